/** Lets one holder in at a time, in order of arrival. Entering again while inside is free. */
export class Turnstile<Holder extends object> {
  private inside: Holder | undefined;
  private readonly waiting: { holder: Holder; enter: () => void }[] = [];

  isInside(holder: Holder): boolean { return this.inside === holder; }

  enter(holder: Holder): Promise<void> {
    if (this.inside === holder) return Promise.resolve();
    if (this.inside === undefined) { this.inside = holder; return Promise.resolve(); }
    return new Promise((resolve) => { this.waiting.push({ holder, enter: resolve }); });
  }

  leave(holder: Holder): void {
    if (this.inside !== holder) return;
    const next = this.waiting.shift();
    this.inside = next?.holder;
    next?.enter();
  }

  /** Resolves when nobody is inside. */
  async idle(): Promise<void> {
    const nobody = {} as Holder;
    await this.enter(nobody);
    this.leave(nobody);
  }
}
