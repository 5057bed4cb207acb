import { ApiKeyRequest, BotRequest, DialoutRequest, EndpointRequest, TransferRequest, TrunkRequest, validateAs } from '@dialfleet/contracts';
import { describe, expect, it } from '@jest/globals';
import { requestExamples } from './api-examples.js';
import { botProblems } from './management/bot-problems.js';

const types = { ApiKeyRequest, BotRequest, DialoutRequest, EndpointRequest, TransferRequest, TrunkRequest };

describe('examples of the API document', () => {
  const examples = Object.entries(requestExamples).flatMap(([type, bodies]) => Object.entries(bodies).map(([name, body]) => [type, name, body] as const));

  it.each(examples)('%s, %s: is accepted as it stands', (type, _name, body) => {
    expect(validateAs<object>(types[type as keyof typeof types], structuredClone(body))).toMatchObject({ ok: true });
  });

  it.each(Object.entries(requestExamples.BotRequest))('a bot, %s: has a sound script', (_name, body) => {
    expect(botProblems(structuredClone(body) as unknown as BotRequest)).toEqual([]);
  });
});
