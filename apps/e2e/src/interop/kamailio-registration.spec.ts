import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { SipTransportName } from '@dialfleet/call';
import { silentLogger, systemClock } from '@dialfleet/kit';
import { RtpEngine, SipEndpoint, type RegistrarClient } from '@dialfleet/telephony';
import { Kamailio, type KamailioOptions } from './kamailio-server.js';
import { once } from './library-caller.js';

jest.setTimeout(30_000);

let folder: string;
let kamailio: Kamailio;
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'dialfleet-registrar-')); });
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await rm(folder, { recursive: true });
});

async function start(options: Omit<KamailioOptions, 'folder'> = {}): Promise<void> {
  kamailio = await Kamailio.start({ folder, password: 'secret', ...options });
  stops.push(() => kamailio.stop());
}

async function endpoint(): Promise<SipEndpoint> {
  const media = new RtpEngine({ bindAddress: '127.0.0.1', clock: systemClock, logger: silentLogger });
  const sip = await SipEndpoint.start({ transports: ['udp', 'tcp', 'tls', 'ws', 'wss'], bindAddress: '127.0.0.1', port: 0, userAgent: 'dialfleet-interop', media, logger: silentLogger });
  stops.push(async () => { await sip.stop(); await media.close(); });
  return sip;
}

const secure = (transport: SipTransportName): boolean => transport === 'tls' || transport === 'wss';
const trunk = (transport: SipTransportName, password = 'secret') => ({
  trunkId: 'trunk_1', host: '127.0.0.1', port: secure(transport) ? kamailio.tlsPort : kamailio.port, transport, username: 'bot', password, keepAliveSeconds: 0,
  ...(secure(transport) ? { tls: { ca: kamailio.ca } } : {}),
});
const registrar = (sip: SipEndpoint, transport: SipTransportName, password?: string): RegistrarClient => sip.createRegistrar({ trunk: trunk(transport, password), instance: 'w1' });

/** A call to the registered user, through Kamailio. */
async function call(): Promise<{ sipStatus: number }> {
  const caller = await endpoint();
  const leg = caller.createCall({ trunk: { ...trunk('udp'), username: 'caller', codecs: ['PCMU'] }, dialUser: 'bot', fromNumber: '+14155550123' });
  const outcome = Promise.race([once(leg, 'answered'), once(leg, 'failed')]);
  await leg.start();
  const { sipStatus } = await outcome;
  leg.hangUp();
  await once(leg, 'released');
  await leg.close();
  return { sipStatus };
}

describe.each<SipTransportName>(['udp', 'tcp', 'tls', 'ws', 'wss'])('a Kamailio registrar over %s', (transport) => {
  it('takes the registration, sends calls over it, refreshes it, and forgets it', async () => {
    await start();
    const sip = await endpoint();
    const called: string[] = [];
    sip.onInvite(async (incoming) => { called.push(incoming.toUser); await incoming.answer(); });
    const registration = registrar(sip, transport);
    expect(await registration.register(600)).toMatchObject({ outcome: 'registered', sipStatus: 200, expiresSeconds: 600 });
    expect(await call()).toEqual({ sipStatus: 200 });
    expect(called).toEqual(['bot']);
    expect(await registration.register(600)).toMatchObject({ outcome: 'registered', expiresSeconds: 600 });
    await registration.unregister();
    expect(await call()).toEqual({ sipStatus: 404 });
  });
});

describe('a Kamailio registrar', () => {
  it('does not take a wrong password', async () => {
    await start({ algorithm: 'SHA-256' });
    expect(await registrar(await endpoint(), 'udp', 'wrong').register(600)).toMatchObject({ outcome: 'refused', sipStatus: 401, reason: expect.stringContaining('does not accept username and password') });
  });

  it('grants what it will', async () => {
    await start({ expires: { max: 90, min: 5 } });
    expect(await registrar(await endpoint(), 'udp').register(600)).toMatchObject({ outcome: 'registered', expiresSeconds: 90 });
  });

  it('is asked for its bindings without a change to them', async () => {
    await start();
    const sip = await endpoint();
    await registrar(sip, 'udp').register(600);
    const { host, port, transport } = trunk('udp');
    const answer = await registrar(sip, 'udp').query({ transport, address: host, port, hostname: host }, 3000);
    expect(answer).toMatchObject({ answered: true, message: { statusCode: 200 } });
    expect(answer.answered && answer.message.getHeaders('contact')).toEqual([expect.stringContaining('rinstance=')]);
  });

  it('keeps one binding of ours: a worker that takes over removes that of its predecessor', async () => {
    await start();
    await registrar(await endpoint(), 'udp').register(600);
    const second = await endpoint();
    const successor = second.createRegistrar({ trunk: trunk('udp'), instance: 'w2' });
    await successor.register(600);
    await successor.register(600);
    const { host, port, transport } = trunk('udp');
    const answer = await registrar(second, 'udp').query({ transport, address: host, port, hostname: host }, 3000);
    expect(answer.answered && answer.message.getHeaders('contact')).toEqual([expect.stringMatching(/rinstance=[0-9a-f]+\.w2/)]);
  });
});
