import { describe, expect, it } from '@jest/globals';
import type { UserAgentServer } from 'sip.js/lib/core/user-agents/user-agent-server.js';
import { ServerTransactionIndex } from './server-transaction-index.js';

const server = (callId: string, cseq = 1): UserAgentServer => ({ message: { callId, fromTag: 't', cseq } }) as unknown as UserAgentServer;

describe('ServerTransactionIndex', () => {
  it('is a Map by branch whose values are what the request at hand could be merged with', () => {
    const index = new ServerTransactionIndex();
    const [a, b, c] = [server('a'), server('b'), server('a', 2)];
    index.set('1', a).set('2', b).set('3', c);
    expect([index.get('2'), index.size]).toEqual([b, 3]);
    expect([...index.values()]).toEqual([]);
    index.receiving({ callId: 'a', fromTag: 't', cseq: 1 });
    expect([...index.values()]).toEqual([a]);
    index.delete('1');
    index.receiving({ callId: 'a', fromTag: 't', cseq: 1 });
    expect([...index.values()]).toEqual([]);
    const seen: UserAgentServer[] = [];
    index.forEach((each) => seen.push(each));
    expect(seen).toEqual([b, c]);
    index.clear();
    index.receiving({ callId: 'b', fromTag: 't', cseq: 1 });
    expect([[...index.values()], index.size]).toEqual([[], 0]);
  });
});
