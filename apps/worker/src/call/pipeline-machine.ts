import type { BotSettings } from '@dialfleet/bot';
import { detectMachine, initialMachineState, type MachineInput, type MachineOutput, type MachineState } from '@dialfleet/conversation';

/** The answering-machine detector of one call, with what the bot does about one. */
export class MachineWatch {
  private state: MachineState;

  /** `mayBeMachine` false: who calls us is a person. */
  constructor(private readonly action: BotSettings['voicemail']['action'], answeredMs: number, mayBeMachine: boolean) {
    this.state = { ...initialMachineState(answeredMs), ...(mayBeMachine ? {} : { verdict: 'human' }) };
  }

  /** A machine has the line, and the bot holds no conversation with it. */
  get tookOver(): boolean { return this.state.verdict === 'machine' && this.action !== 'continue'; }

  hear(input: MachineInput, nowMs: number): MachineOutput[] {
    if (this.state.verdict === 'human' || this.state.mayLeaveMessage) return [];
    const { state, outputs } = detectMachine(this.state, input, nowMs);
    this.state = state;
    return outputs;
  }
}
