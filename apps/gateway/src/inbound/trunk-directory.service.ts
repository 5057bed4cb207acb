import type { DialoutTrunk } from '@dialfleet/database';
import { SecretBox, type Database } from '@dialfleet/database';
import type { TrunkDirectoryReply, TrunkDirectoryRequest, TrunkEntry } from '@dialfleet/fleet';
import type { Logger } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { trunkPlan } from '../dialout/call-plan.js';
import { DATABASE, LOGGER } from '../tokens.js';

/** Certificates make a trunk large: a page stays well under the broker's limit of 1 MB. */
const PAGE_SIZE = 25;
const DEFAULT_REGISTER_EXPIRES_SECONDS = 3600;

interface TrunkRow { workspace_id: string; trunk: DialoutTrunk & InboundColumns }
interface InboundColumns { register: boolean; inbound_sources: string[]; register_expires_seconds?: number | null; inbound_auth?: boolean | null }

/** Every trunk of every workspace, as workers need it to recognise callers and to register. */
@Injectable()
export class TrunkDirectoryService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, @Inject(LOGGER) private readonly logger: Logger) {}

  async page({ after = '' }: TrunkDirectoryRequest): Promise<TrunkDirectoryReply> {
    const rows = await this.database.$queryRaw<TrunkRow[]>`
      SELECT t.workspace_id, to_jsonb(t) AS trunk FROM trunks t
      WHERE t.deleted_at IS NULL AND t.id > ${String(after)} ORDER BY t.id LIMIT ${PAGE_SIZE}`;
    const trunks = rows.flatMap((row) => this.entryOf(row) ?? []);
    return rows.length < PAGE_SIZE ? { trunks } : { trunks, next: rows[rows.length - 1].trunk.id };
  }

  /** A trunk whose password cannot be opened must not hide the others. */
  private entryOf({ workspace_id: workspaceId, trunk }: TrunkRow): TrunkEntry | undefined {
    try {
      return {
        workspaceId, trunk: trunkPlan(trunk, this.box), register: trunk.register, inboundSources: trunk.inbound_sources,
        registerExpiresSeconds: trunk.register_expires_seconds ?? DEFAULT_REGISTER_EXPIRES_SECONDS, inboundAuth: trunk.inbound_auth ?? false,
      };
    } catch (error) {
      this.logger.error('a trunk cannot be read', { trunk_id: trunk.id, error });
      return undefined;
    }
  }
}
