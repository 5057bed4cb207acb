import type { ClaimReply, TrunkCheckReport, WorkerCommand, WorkerCommandReply } from '@dialfleet/fleet';
import type { Logger } from '@dialfleet/kit';
import { subjects } from '@dialfleet/messaging';
import { Controller, Inject, type Type } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { TrunkCheck } from '../sip/trunk-check.js';
import { LOGGER } from '../tokens.js';
import { CallSlots } from './call-slots.js';
import { readClaim } from './claim-request.js';

/** The worker's two request subjects carry its id, so the controller is made for one worker. */
export function fleetController(workerId: string): Type {
  @Controller()
  class FleetController {
    constructor(private readonly slots: CallSlots, private readonly check: TrunkCheck, @Inject(LOGGER) private readonly logger: Logger) {}

    @MessagePattern(subjects.claim(workerId))
    claim(@Payload() request: unknown): ClaimReply {
      const plan = readClaim(request);
      if (plan.ok) return this.slots.claim(plan.value);
      this.logger.error('refused an unreadable claim', { detail: plan.detail });
      return { accepted: false, workerId, reason: 'invalid', calls: this.slots.size, max: this.slots.max };
    }

    @MessagePattern(subjects.command(workerId))
    command(@Payload() command: WorkerCommand): WorkerCommandReply | Promise<TrunkCheckReport> {
      switch (command.command) {
        case 'hang_up': return this.slots.hangUp(command.sessionId);
        case 'transfer': return typeof command.target === 'string' ? this.slots.transfer(command.sessionId, command.target) : { ok: false, reason: 'invalid' };
        case 'cancel_claim': return this.slots.withdraw(command.sessionId);
        case 'check_trunk': return this.check.run(command.entry);
        case 'drain': this.slots.drain(); return { ok: true };
        default: return { ok: false, reason: 'invalid' };
      }
    }
  }
  return FleetController;
}
