import { uuidV7 } from '@dialfleet/kit';
import type { Database } from './database.js';
import { storableText } from './storable-json.js';

export interface DeadMessageRecord { stream: string; streamSequence: number; subject: string; payload: string; error: string; attempts: number; storedAt: Date }

const MAX_PAYLOAD_CHARS = 65_536;

/** Broker messages that no handler could take. */
export class PushDeadMessages {
  constructor(private readonly database: Database) {}

  /** Keeping the same message twice keeps one. */
  async keep(message: DeadMessageRecord): Promise<void> {
    await this.database.deadMessage.createMany({
      data: [{ ...message, id: `dead_${uuidV7().replaceAll('-', '')}`, payload: storableText(message.payload.slice(0, MAX_PAYLOAD_CHARS)), error: storableText(message.error) }],
      skipDuplicates: true,
    });
  }
}
