import { serve } from '../helper-process.js';
import { percentile } from '../statistics.js';
import { Pool } from 'undici';

export interface LoadOrder {
  url: string;
  path: string;
  headers: Record<string, string>;
  /** The body of every request, with `to_number` counting up. */
  body: Record<string, unknown>;
  connections: number;
  requests: number;
  expectStatus: number;
}

export interface LoadResult extends Record<string, number> { perSecond: number; p50Ms: number; p99Ms: number; unexpected: number }

let numbers = 0;

/** Closed loop: every connection sends its next request as soon as it has the answer to the last. */
async function load({ url, path, headers, body, connections, requests, expectStatus }: LoadOrder): Promise<LoadResult> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const latencies: number[] = [];
  let left = requests;
  let unexpected = 0;
  const sendAll = async (): Promise<void> => {
    while (left-- > 0) {
      const payload = JSON.stringify({ ...body, to_number: `+1415555${String(numbers++ % 10_000).padStart(4, '0')}` });
      const begun = performance.now();
      const answer = await pool.request({ path, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: payload });
      const text = await answer.body.text();
      latencies.push(performance.now() - begun);
      if (answer.statusCode !== expectStatus && unexpected++ === 0) process.stderr.write(`unexpected ${answer.statusCode}: ${text.slice(0, 200)}\n`);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: connections }, sendAll));
  const seconds = (performance.now() - begun) / 1000;
  await pool.close();
  return { perSecond: requests / seconds, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99), unexpected };
}

serve({ ready: true }, load);
