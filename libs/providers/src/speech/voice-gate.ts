/** After the last voiced window the expensive detector goes on this long: 0.5 s bridges the pauses within speech. */
const HANGOVER_WINDOWS = 15;
/** On waking it is shown this many windows from before: speech begins softly, and its memory needs a start. */
const PRE_ROLL_WINDOWS = 3;

/**
 * Decides which windows the expensive detector sees: those near anything that the cheap one calls voice. Windows not
 * seen are silence. Generic in the window so that it can be tested without audio.
 */
export class VoiceGate<Window> {
  private readonly recent: Window[] = [];
  private hangover = 0;

  /** The windows to run now, oldest first; the last is `window` itself, those before it only prime. Empty: silence. */
  admit(window: Window, voiced: boolean): Window[] {
    const wasOpen = this.hangover > 0;
    this.hangover = voiced ? HANGOVER_WINDOWS : Math.max(0, this.hangover - 1);
    if (this.hangover > 0) return wasOpen ? [window] : [...this.recent.splice(0), window];
    this.recent.push(window);
    if (this.recent.length > PRE_ROLL_WINDOWS) this.recent.shift();
    return [];
  }

  /** The expensive detector still hears speech: keep it on. */
  hold(): void { this.hangover = HANGOVER_WINDOWS; }
}
