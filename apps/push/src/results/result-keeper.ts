import type { BotSettings } from '@dialfleet/bot';
import { analysisIsDue, callResult, type AnalysisStatus, type CallOutcome } from '@dialfleet/call';
import { botSettings, joinSecrets, type BotConfig, type ConfigSecrets } from '@dialfleet/contracts';
import type { KnownCall, PushResults, ResultToSave, SecretBox, StoredBotVersion } from '@dialfleet/database';
import { Fault, type Clock, type Logger } from '@dialfleet/kit';
import type { Analyser } from './analyser.js';
import { freezeDeliveries } from './freeze-deliveries.js';
import { precedence, type Precedence } from './outcome-precedence.js';

/** The outcome names a call that was never accepted here. */
export class UnknownCall extends Fault {
  constructor(sessionId: string) { super(`no call ${sessionId} in the database`, false); }
}

export interface ResultKeeperParts {
  results: Pick<PushResults, 'find' | 'save' | 'amend'>;
  analyser: Analyser;
  secrets: Pick<SecretBox, 'openJson'>;
  recordingUrl(sessionId: string): string;
  /** New deliveries are due. */
  onDeliveries(): void;
  clock: Clock;
  logger: Logger;
}

interface Analysis { analysis: Record<string, unknown> | null; status: AnalysisStatus }

/** Turns a call's outcome into its one result and the messages about it. Idempotent. */
export class ResultKeeper {
  constructor(private readonly parts: ResultKeeperParts) {}

  /** `settled`: written for a worker that cannot any more; a real outcome may still amend it. Resolves after the commit. */
  async keep(outcome: CallOutcome, settled = false): Promise<Precedence> {
    const { results, logger } = this.parts;
    const known = await results.find(outcome);
    if (!known) throw new UnknownCall(outcome.sessionId);
    const step = precedence(known, outcome, settled);
    if (step === 'ignore') {
      logger.debug('outcome ignored', { session_id: outcome.sessionId, state: known.state, has_result: known.stored !== null });
      return step;
    }
    const save = await this.prepare(outcome, known, settled);
    if (!await (step === 'amend' ? results.amend(save) : results.save(save))) return 'ignore';
    logger.info(step === 'amend' ? 'result amended' : 'result stored', {
      session_id: outcome.sessionId, disconnected_by: outcome.disconnectedBy, hangup_reason: outcome.hangupReason, settled,
      analysis: save.result.analysis_status, deliveries: save.deliveries.length,
    });
    if (save.deliveries.length > 0) this.parts.onDeliveries();
    return step;
  }

  private async prepare(outcome: CallOutcome, known: KnownCall, settled: boolean): Promise<ResultToSave> {
    const bot = known.botVersion ? this.settingsOf(known.botVersion, outcome) : null;
    const { analysis, status } = await this.analyse(outcome, bot);
    const hasRecording = outcome.recording.status === 'ready' || outcome.recording.status === 'partial';
    const result = callResult(outcome, {
      recordingUrl: hasRecording ? this.parts.recordingUrl(outcome.sessionId) : null, analysis, analysisStatus: status, events: known.events,
    });
    const nowMs = this.parts.clock.nowMs();
    const deliveries = freezeDeliveries(known.endpoints, { result, crm: outcome.crm, nowMs, timezone: bot?.timezone ?? 'UTC' });
    return { outcome, result, deliveries, settled, nowMs };
  }

  /** A failing brain never keeps a result back. */
  private async analyse(outcome: CallOutcome, bot: BotSettings | null): Promise<Analysis> {
    if (!analysisIsDue(outcome)) return { analysis: null, status: 'skipped' };
    try {
      if (!bot) throw new Error('the bot version is not in the database');
      return { analysis: await this.parts.analyser.analyse(outcome, bot), status: 'ok' };
    } catch (error) {
      this.parts.logger.warn('post-call analysis failed', { session_id: outcome.sessionId, error });
      return { analysis: null, status: 'failed' };
    }
  }

  private settingsOf(version: StoredBotVersion, outcome: CallOutcome): BotSettings | null {
    try {
      const secrets = version.secrets === null ? {} : this.parts.secrets.openJson<ConfigSecrets>(version.secrets);
      return botSettings(joinSecrets(version.config as BotConfig, secrets));
    } catch (error) {
      this.parts.logger.error('the settings of a bot version cannot be read', { session_id: outcome.sessionId, bot_id: outcome.botId, error });
      return null;
    }
  }
}
