/** How far behind the highest index a packet may come and still be told from a replay (RFC 3711 §3.3.2: at least 64). */
const WINDOW = 128;
const ROLLOVER = 0x10000;
const HALF = 0x8000;

/**
 * The 48 bit packet index of one SRTP source: rollover counter · 2^16 + sequence number (RFC 3711 §3.3.1), and which
 * indexes were used. An index counts only once its packet is authentic: `estimate`, verify, `accept`.
 */
export class SrtpIndex {
  private highest = -1;
  private readonly used = new Float64Array(WINDOW).fill(-1);

  /** The most likely index; negative when it lies before the first packet's rollover: not a packet of this source. */
  estimate(sequenceNumber: number): number {
    if (this.highest < 0) return sequenceNumber;
    const highestSequence = this.highest % ROLLOVER;
    const rollover = this.highest - highestSequence;
    const step = sequenceNumber - highestSequence;
    if (step > HALF) return rollover - ROLLOVER + sequenceNumber;
    return step < -HALF ? rollover + ROLLOVER + sequenceNumber : rollover + sequenceNumber;
  }

  /** Not seen, and not too old to tell. */
  isFresh(index: number): boolean {
    return index >= 0 && index > this.highest - WINDOW && this.used[index % WINDOW] !== index;
  }

  accept(index: number): void {
    this.used[index % WINDOW] = index;
    if (index > this.highest) this.highest = index;
  }
}
