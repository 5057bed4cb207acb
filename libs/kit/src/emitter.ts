/** A typed event source: `on` returns the function that stops listening. Listeners run in order, synchronously. */
export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  on<K extends keyof Events>(event: K, listener: (payload: Events[K]) => void): () => void {
    const set = this.listeners.get(event) ?? new Set();
    set.add(listener as (payload: never) => void);
    this.listeners.set(event, set);
    return () => { set.delete(listener as (payload: never) => void); };
  }

  emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) (listener as (payload: Events[K]) => void)(payload);
  }

  removeAll(): void { this.listeners.clear(); }
}
