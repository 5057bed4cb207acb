/** Keeps the most recently used values within a budget of bytes; a value larger than an eighth of it is not kept. */
export class ByteLruCache<V extends { byteLength: number }> {
  /** In order of use, oldest first. */
  private readonly entries = new Map<string, V>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  get size(): number { return this.entries.size; }
  get byteLength(): number { return this.bytes; }

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.delete(key);
    if (value.byteLength > this.maxBytes / 8) return;
    this.entries.set(key, value);
    this.bytes += value.byteLength;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    const value = this.entries.get(key);
    if (value === undefined) return;
    this.entries.delete(key);
    this.bytes -= value.byteLength;
  }
}
