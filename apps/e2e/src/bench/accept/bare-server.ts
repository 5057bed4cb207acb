import { silentLogger } from '@dialfleet/kit';
import { connectNats } from '@dialfleet/messaging';
import fastify from 'fastify';
import { serve } from '../helper-process.js';
import { ECHO_SUBJECT } from './echo-subject.js';

/** The least that an accept path on Fastify and NATS could do: read the JSON, ask over NATS, answer. */
const nc = await connectNats({ url: process.argv[2], name: 'bench-bare', logger: silentLogger });
const server = fastify();
let requests = 0;
server.post('/api/v1/dialout', async (request) => {
  const id = String(requests++);
  const reply = await nc.request(ECHO_SUBJECT, JSON.stringify({ id, data: request.body }), { timeout: 1000 });
  const { response } = reply.json<{ response: { accepted: boolean } }>();
  return { status: response.accepted ? 'ok' : 'refused', call_id: id, session_id: id };
});
const url = await server.listen({ host: '127.0.0.1', port: 0 });
serve({ url }, () => Promise.reject(new Error('the bare server is asked over HTTP only')));
