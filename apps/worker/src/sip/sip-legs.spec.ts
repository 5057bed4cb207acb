import { createServer } from 'node:net';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallPlan, TrunkPlan } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { Admission, SipEndpoint } from '@dialfleet/telephony';
import { afterEach, describe, expect, it } from '@jest/globals';
import { generate } from 'selfsigned';
import { readSipCertificate } from './sip-certificate.js';
import { SipLegs, type SipLegsOptions } from './sip-legs.js';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => { for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp(); });

async function start(options: Partial<SipLegsOptions> = {}): Promise<SipLegs> {
  const legs = await SipLegs.start({
    advertisedAddress: '127.0.0.1', sipPort: 0, version: 'test', media: { open: () => Promise.reject(new Error('no media here')) },
    admission: Admission.open(systemClock), clock: systemClock, logger: silentLogger, ...options,
  });
  cleanUps.push(() => legs.stop());
  return legs;
}

async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  cleanUps.push(() => new Promise((resolve) => { server.close(resolve); }));
  return (server.address() as { port: number }).port;
}

/** PEM files for 127.0.0.1, as the settings name them. */
async function certificateFiles(): Promise<{ DIALFLEET_SIP_TLS_CERT: string; DIALFLEET_SIP_TLS_KEY: string }> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', algorithm: 'sha256' });
  const folder = mkdtempSync(join(tmpdir(), 'sip-legs-'));
  const files = { DIALFLEET_SIP_TLS_CERT: join(folder, 'cert.pem'), DIALFLEET_SIP_TLS_KEY: join(folder, 'key.pem') };
  writeFileSync(files.DIALFLEET_SIP_TLS_CERT, cert);
  writeFileSync(files.DIALFLEET_SIP_TLS_KEY, key);
  return files;
}

const trunk = { trunkId: 't', host: '127.0.0.1', transport: 'udp', codecs: ['PCMU'] } as TrunkPlan;

describe('a worker\'s SIP sockets', () => {
  it('take trunks of every transport', async () => {
    const legs = await start();
    for (const transport of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const) {
      const leg = await legs.createLeg({ trunk: { ...trunk, transport }, dialUser: '1', fromNumber: '2' } as CallPlan);
      await leg.close().catch(() => undefined);
    }
    expect(legs.sipAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('are opened towards the sources of a trunk, too, on the port that is known', async () => {
    const legs = await start({ advertisedAddress: null });
    await legs.listenTowards({ ...trunk, host: '192.0.2.1' }, ['127.0.0.0/8']);
    const port = Number(legs.sipAddress.split(':').at(-1));
    const asking = await SipEndpoint.start({ transport: 'udp', bindAddress: '127.0.0.1', port: 0, userAgent: 'test', media: { open: () => Promise.reject(new Error('no media here')) }, logger: silentLogger });
    cleanUps.push(() => asking.stop());
    expect(await asking.ping({ transport: 'udp', address: '127.0.0.1', port, hostname: '127.0.0.1' })).toMatchObject({ answered: true });
  });

  it('name the setting of a port that is taken', async () => {
    const port = await takenPort();
    await expect(start({ sipPort: port })).rejects.toThrow(`DIALFLEET_SIP_PORT: TCP port ${port} is taken by another program`);
    await expect(start({ webSocketPort: port })).rejects.toThrow(`DIALFLEET_SIP_WS_PORT: WS port ${port} is taken`);
    await expect(start({ tls: readSipCertificate(await certificateFiles()), tlsPort: port })).rejects.toThrow(`DIALFLEET_SIP_TLS_PORT: TLS port ${port} is taken`);
  });

  it('know the addresses of a trunk\'s host and of its outbound proxy', async () => {
    const legs = await start();
    expect(await legs.addressesOf({ ...trunk, host: '203.0.113.5', outboundProxy: '203.0.113.6:5080' })).toEqual(['203.0.113.6', '203.0.113.5']);
    expect(await legs.addressesOf({ ...trunk, host: '2001:db8::1', outboundProxy: '[2001:db8::2]:5080' })).toEqual(['2001:db8::2', '2001:db8::1']);
    expect(await legs.addressesOf({ ...trunk, host: 'localhost' })).toEqual(expect.arrayContaining(['127.0.0.1']));
  });
});

describe('the certificate for SIP', () => {
  it('is read from files, both or none', async () => {
    const files = await certificateFiles();
    expect(readSipCertificate({})).toBeNull();
    expect(readSipCertificate(files)?.certificate).toContain('BEGIN CERTIFICATE');
    expect(() => readSipCertificate({ ...files, DIALFLEET_SIP_TLS_KEY: '' })).toThrow('go together');
    expect(() => readSipCertificate({ ...files, DIALFLEET_SIP_TLS_KEY: '/nowhere' })).toThrow('DIALFLEET_SIP_TLS_KEY: the file cannot be read (ENOENT)');
    expect(() => readSipCertificate({ ...files, DIALFLEET_SIP_TLS_KEY: files.DIALFLEET_SIP_TLS_CERT })).toThrow('are no pair');
  });
});
