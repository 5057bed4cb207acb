import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { parseAllowList } from './allow-list.js';
import { egressFetch, type EgressRequest, type EgressResponse } from './egress-fetch.js';

const loopback = parseAllowList('127.0.0.0/8');
const servers: (Server | TcpServer)[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => { server.close(resolve); });
  }
});

async function listen<S extends Server | TcpServer>(server: S): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}
const serve = (handler: RequestListener): Promise<number> => listen(createServer(handler));

const send = (url: string, options: Partial<EgressRequest> = {}): Promise<EgressResponse> =>
  egressFetch({ url, method: 'POST', body: '{}', timeoutMs: 5000, maxResponseBytes: 1000, allow: loopback, ...options });

const readBody = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

describe('egressFetch', () => {
  it('sends the request and returns the answer', async () => {
    const seen: { headers?: IncomingMessage['headers']; body?: string } = {};
    const port = await serve(async (request, response) => {
      seen.headers = request.headers;
      seen.body = await readBody(request);
      response.writeHead(201, { 'X-One': 'a', 'set-cookie': ['b=1', 'c=2'] }).end('made');
    });
    const response = await send(`http://127.0.0.1:${port}/x?y=1`, { body: '{"é":1}', headers: { 'content-type': 'application/json', 'X-Key': 'k' } });
    expect(seen.body).toBe('{"é":1}');
    expect(seen.headers).toMatchObject({ host: `127.0.0.1:${port}`, 'content-type': 'application/json', 'x-key': 'k', connection: 'close' });
    expect(response).toMatchObject({ status: 201, truncated: false, headers: { 'x-one': 'a', 'set-cookie': 'b=1, c=2' } });
    expect(response.body.toString()).toBe('made');
  });

  it.each(['http://127.0.0.1:PORT', 'https://127.0.0.1:PORT', 'https://0x7f.1:PORT', 'https://2130706433:PORT', 'https://017700000001:PORT', 'https://127.1:PORT', 'https://[::1]:PORT',
    'https://[::ffff:127.0.0.1]:PORT', 'https://[::ffff:7f00:1]:PORT', 'https://0.0.0.0:PORT', 'https://0:PORT', 'https://[::]:PORT', 'https://127.0.0.1.:PORT', 'https://①②⑦.0.0.1:PORT',
    'https://169.254.169.254/latest/meta-data', 'https://[fd00:ec2::254]/', 'https://100.100.100.200/', 'https://10.0.0.1/', 'https://localhost:PORT'])('refuses %s', async (url) => {
    let reached = false;
    const port = await serve((_request, response) => { reached = true; response.end(); });
    await expect(send(url.replace('PORT', String(port)), { allow: [] })).rejects.toMatchObject({ code: 'blocked_address' });
    expect(reached).toBe(false);
  });
  it('judges what a name resolves to, at connect', async () => {
    let reached = 0;
    const port = await serve((_request, response) => { reached++; response.end('ok'); });
    const inward = { resolve: async () => [{ address: '127.0.0.1', family: 4 }] };
    await expect(send(`https://crm.example.com:${port}/`, { ...inward, allow: [] })).rejects.toMatchObject({ code: 'blocked_address' });
    await expect(send(`https://crm.example.com:${port}/`, { allow: [], resolve: async () => [{ address: '::ffff:127.0.0.1', family: 6 }, { address: '10.0.0.1', family: 4 }] })).rejects.toMatchObject({ code: 'blocked_address' });
    expect(reached).toBe(0);
    expect((await send(`http://crm.example.com:${port}/`, inward)).status).toBe(200);
    // A blocked address among allowed ones is not tried.
    expect((await send(`http://crm.example.com:${port}/`, { resolve: async () => [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }] })).status).toBe(200);
    expect(reached).toBe(2);
  });
  it('wants https for public destinations', async () => {
    await expect(send('http://93.184.215.14/')).rejects.toMatchObject({ code: 'https_required' });
    await expect(send('http://crm.example.com/', { resolve: async () => [{ address: '93.184.215.14', family: 4 }] })).rejects.toMatchObject({ code: 'https_required', retryable: false });
  });
  it.each(['', 'crm.example.com', 'ftp://127.0.0.1/', 'file:///etc/passwd', 'https://', 'https://user:pw@127.0.0.1/', 'javascript:alert(1)'])('refuses the URL %j', async (url) => {
    await expect(send(url)).rejects.toMatchObject({ code: 'invalid_url', message: expect.not.stringContaining('pw') as unknown as string });
  });
  it('refuses headers that would break the framing, before connecting', async () => {
    let reached = false;
    const port = await serve((_request, response) => { reached = true; response.end(); });
    await expect(send(`http://127.0.0.1:${port}`, { headers: { 'x-a': 'b\r\nx-evil: 1' } })).rejects.toMatchObject({ code: 'invalid_header' });
    expect(reached).toBe(false);
  });
  it('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    const port = await serve((request, response) => { paths.push(request.url); response.writeHead(302, { location: '/elsewhere' }).end(); });
    expect(await send(`http://127.0.0.1:${port}/first`)).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    expect(paths).toEqual(['/first']);
  });
  it('reads no more than asked for', async () => {
    const port = await serve((_request, response) => { response.end(Buffer.alloc(200_000, 'x')); });
    const response = await send(`http://127.0.0.1:${port}`);
    expect(response.truncated).toBe(true);
    expect(response.body).toHaveLength(1000);
    expect(await send(`http://127.0.0.1:${port}`, { maxResponseBytes: 200_000 })).toMatchObject({ truncated: false });
  });
  it('inflates nothing', async () => {
    const port = await serve((_request, response) => { response.writeHead(200, { 'content-encoding': 'gzip' }).end('not really gzip'); });
    expect((await send(`http://127.0.0.1:${port}`)).body.toString()).toBe('not really gzip');
  });

  it('ends in time when nothing answers', async () => {
    const port = await serve(() => undefined);
    await expect(send(`http://127.0.0.1:${port}`, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'timeout', retryable: true });
  });
  it('ends in time when the body drips', async () => {
    let drip: NodeJS.Timeout | undefined;
    const port = await serve((_request, response) => { response.writeHead(200); drip = setInterval(() => response.write('.'), 20); });
    await expect(send(`http://127.0.0.1:${port}`, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'timeout' });
    clearInterval(drip);
  });
  it('ends in time when the name does not resolve in time', async () => {
    await expect(send('https://crm.example.com/', { timeoutMs: 100, resolve: () => new Promise(() => undefined) })).rejects.toMatchObject({ code: 'timeout' });
  });
  it('can be abandoned', async () => {
    const port = await serve(() => undefined);
    await expect(send(`http://127.0.0.1:${port}`, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
  it('names what failed', async () => {
    const closed = await serve(() => undefined);
    const server = servers.pop() as Server;
    await new Promise((resolve) => { server.close(resolve); });
    await expect(send(`http://127.0.0.1:${closed}`)).rejects.toMatchObject({ code: 'connect_failed' });
    const garbage = await listen(createTcpServer((socket) => { socket.resume().end('SSH-2.0-nothing\r\n\r\n'); }));
    await expect(send(`http://127.0.0.1:${garbage}`)).rejects.toMatchObject({ code: 'protocol_error' });
    const cut = await listen(createTcpServer((socket) => { socket.destroy(); }));
    await expect(send(`http://127.0.0.1:${cut}`)).rejects.toMatchObject({ code: 'connect_failed' });
    const notTls = await serve((_request, response) => response.end());
    await expect(send(`https://127.0.0.1:${notTls}`)).rejects.toMatchObject({ code: 'tls_failed' });
    await expect(send('https://crm.example.com/', { resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) })).rejects.toMatchObject({ code: 'dns_failed' });
    await expect(send('https://crm.example.com/', { resolve: async () => [] })).rejects.toMatchObject({ code: 'dns_failed' });
  });
  it('refuses a TLS server without a usable certificate', async () => {
    const port = await listen(createTlsServer({}, (_request, response) => { response.end(); }));
    await expect(send(`https://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'tls_failed' });
  });
  it('survives a body that ends before its length', async () => {
    const port = await listen(createTcpServer((socket) => { socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'); }));
    await expect(send(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'connect_failed' });
  });
});
