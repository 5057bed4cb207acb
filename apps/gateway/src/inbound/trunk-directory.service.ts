import { SecretBox, type Database, type TrunkRow } from '@dialfleet/database';
import type { TrunkDirectoryReply, TrunkDirectoryRequest, TrunkEntry } from '@dialfleet/fleet';
import type { Logger } from '@dialfleet/kit';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, LOGGER } from '../tokens.js';
import { trunkEntry } from '../trunks/trunk-plan.js';

const PAGE_SIZE = 25;
/** Certificates make a trunk large: a page stays well under the broker's limit of 1 MB. */
const MAX_PAGE_CHARACTERS = 400_000;

/** Every trunk of every workspace, as workers need it to recognise callers and to register. */
@Injectable()
export class TrunkDirectoryService {
  constructor(@Inject(DATABASE) private readonly database: Database, private readonly box: SecretBox, @Inject(LOGGER) private readonly logger: Logger) {}

  async page({ after = '' }: TrunkDirectoryRequest): Promise<TrunkDirectoryReply> {
    const rows = await this.database.$queryRaw<{ trunk: TrunkRow }[]>`
      SELECT to_jsonb(t) AS trunk FROM trunks t WHERE t.deleted_at IS NULL AND t.id > ${String(after)} ORDER BY t.id LIMIT ${PAGE_SIZE}`;
    const page = rows.slice(0, fitting(rows));
    const trunks = page.flatMap((row) => this.entryOf(row.trunk) ?? []);
    return page.length === rows.length && rows.length < PAGE_SIZE ? { trunks } : { trunks, next: page[page.length - 1].trunk.id };
  }

  /** A trunk whose password cannot be opened must not hide the others. */
  private entryOf(trunk: TrunkRow): TrunkEntry | undefined {
    try {
      return trunkEntry(trunk, this.box);
    } catch (error) {
      this.logger.error('a trunk cannot be read', { trunk_id: trunk.id, error });
      return undefined;
    }
  }
}

/** How many of them a page may hold: one at least, and no row is larger than a page. */
function fitting(rows: readonly object[]): number {
  let characters = 0;
  const end = rows.findIndex((row) => { characters += JSON.stringify(row).length; return characters > MAX_PAGE_CHARACTERS; });
  return end < 0 ? rows.length : Math.max(1, end);
}
