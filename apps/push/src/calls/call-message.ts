import { disconnectedByValues, type CallOutcome, type CallTimelineEvent } from '@dialfleet/call';
import { Fault, isUuid } from '@dialfleet/kit';

/** The message is not what its subject promises: trying again cannot help. */
export class MalformedMessage extends Fault {
  constructor(message: string) { super(message, false); }
}

type Fields = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isTime: Check = (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isTimeOrNull: Check = (value) => value === null || isTime(value);
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isRecord: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isSession: Check = (value) => typeof value === 'string' && isUuid(value);

const eventFields: Readonly<Record<keyof CallTimelineEvent, Check>> = {
  eventId: isText, sessionId: isSession, workspaceId: isText, workerId: isText, workerEpoch: isText, seq: Number.isInteger, at: isTime, type: isText, data: isRecord,
};

/** What the result is made from must be there; the rest is the worker's to fill. */
const outcomeFields = {
  sessionId: isSession, workspaceId: isText, botId: isText, botVersion: Number.isInteger, workerId: isText, workerEpoch: isText, callerId: isText,
  startedAt: isTime, answeredAt: isTimeOrNull, endedAt: isTime, callDurationSeconds: isNumber, hangupReason: isText, variables: isRecord, crm: isRecord,
  recording: isRecord, usage: isRecord, notes: isRecord, transcript: Array.isArray, latency: Array.isArray, warnings: Array.isArray,
  disconnectedBy: (value) => disconnectedByValues.some((known) => known === value),
} satisfies Partial<Record<keyof CallOutcome, Check>>;

/** @throws MalformedMessage */
export const asTimelineEvent = (payload: unknown): CallTimelineEvent => checked<CallTimelineEvent>(payload, eventFields, 'call event');
/** @throws MalformedMessage */
export const asOutcome = (payload: unknown): CallOutcome => checked<CallOutcome>(payload, outcomeFields, 'call outcome');

function checked<T>(payload: unknown, checks: Readonly<Record<string, Check>>, what: string): T {
  if (!isRecord(payload)) throw new MalformedMessage(`a ${what} must be a JSON object`);
  const wrong = Object.entries(checks).find(([name, check]) => !check((payload as Fields)[name]));
  if (wrong) throw new MalformedMessage(`the ${what} has no usable "${wrong[0]}"`);
  return payload as T;
}
