/** One forked branch's session description before the answer. */
interface Early { toTag: string; sdp: string; updated?: true }

/**
 * The early dialogs of a forked INVITE (RFC 3261 §13.2.2.4), as far as media goes: what is heard follows the branch that
 * spoke last, until one of them answers.
 */
export class EarlyDialogs {
  private readonly known: Early[] = [];

  /** A provisional response; true when its description is to be applied. */
  described(toTag: string, sdp: string): boolean {
    const latest = this.known.at(-1);
    if (latest?.toTag === toTag && latest.sdp === sdp) return false;
    this.forget(toTag);
    this.known.push({ toTag, sdp });
    return true;
  }

  /** The branch changed its media by UPDATE (RFC 3311): it is heard from now on, and its 2xx only repeats what it said before that. */
  updated(toTag: string, sdp: string): void {
    this.forget(toTag);
    this.known.push({ toTag, sdp, updated: true });
  }

  /** What is heard at the moment came by UPDATE of this branch. */
  isUpdated(toTag: string): boolean {
    const latest = this.known.at(-1);
    return latest?.toTag === toTag && latest.updated === true;
  }

  /** What this branch described last; a 2xx without a description means this one. */
  of(toTag: string): string | undefined { return this.known.find((early) => early.toTag === toTag)?.sdp; }

  /** Whether this description is what is heard at the moment. */
  isCurrent(toTag: string, sdp: string): boolean {
    const latest = this.known.at(-1);
    return latest?.toTag === toTag && latest.sdp === sdp;
  }

  /** The branch is gone (RFC 6228): the description to go back to, when another branch is to be heard now. */
  ended(toTag: string): string | undefined {
    const wasHeard = this.known.at(-1)?.toTag === toTag;
    this.forget(toTag);
    return wasHeard ? this.known.at(-1)?.sdp : undefined;
  }

  private forget(toTag: string): void {
    const index = this.known.findIndex((early) => early.toTag === toTag);
    if (index >= 0) this.known.splice(index, 1);
  }
}
