import { describe, expect, it } from '@jest/globals';
import { parseCommand, usage, UsageError } from './arguments.js';

describe('parseCommand', () => {
  it('runs a carrier on its usual port when nothing is said', () => {
    expect(parseCommand([])).toEqual({ kind: 'run', verbose: false, sim: {
      port: 5070, host: '127.0.0.1', transport: 'udp', personas: { default: 'callback', byNumber: {} } } });
  });

  it('takes everything that it offers', () => {
    const args = ['--port', '0', '--host', '127.0.0.2', '--transport', 'TCP', '--rtp-ports', '20000-20999', '--advertise', '127.0.0.3', '--persona', 'silent', '--number', '+14155550123=busy', '--number=100=./a=b.json',
      '--auth', 'trunk:a:b', '--algorithm', 'sha-256', '--record', '/tmp/x', '--codecs', 'OPUS, g722', '--verbose'];
    expect(parseCommand(args)).toEqual({ kind: 'run', verbose: true, sim: {
      port: 0, host: '127.0.0.2', transport: 'tcp', codecs: ['opus', 'G722'], rtpPorts: { min: 20_000, max: 20_999 }, recordDir: '/tmp/x', advertisedAddress: '127.0.0.3',
      personas: { default: 'silent', byNumber: { '+14155550123': 'busy', 100: './a=b.json' } }, auth: { username: 'trunk', password: 'a:b', algorithm: 'SHA-256' } } });
  });

  it('lets a customer call', () => {
    expect(parseCommand(['--dial', 'sip:+14155550100@127.0.0.1:5060', '--from', '+14155550177', '--persona', 'silent', '--credentials', 'pbx:secret', '--header', 'X-Customer-Id: C-1'])).toMatchObject({
      kind: 'run', sim: { port: 0 }, dial: { to: 'sip:+14155550100@127.0.0.1:5060', from: '+14155550177', persona: 'silent', username: 'pbx', password: 'secret', headers: { 'X-Customer-Id': 'C-1' } } });
  });

  it('helps and lists', () => {
    expect(parseCommand(['-h', '--port', 'x'])).toEqual({ kind: 'help' });
    expect(parseCommand(['--list'])).toEqual({ kind: 'list' });
  });

  it('names every option in its help', () => {
    for (const name of ['codecs', 'port', 'host', 'transport', 'rtp-ports', 'advertise', 'persona', 'number', 'auth', 'algorithm', 'record', 'dial', 'from', 'credentials', 'header', 'list', 'verbose', 'help']) expect(usage).toContain(`--${name}`);
  });

  it.each<[string[], string]>([
    [['--port', '70000'], '--port must be a whole number from 0 to 65535, not "70000"'],
    [['--port', '1e3'], '--port must be a whole number from 0 to 65535, not "1e3"'],
    [['--codecs', 'PCMU,iLBC'], '--codecs must be PCMU or PCMA or G722 or opus, not "iLBC"'],
    [['--transport', 'tls'], '--transport must be udp or tcp, not "tls"'],
    [['--rtp-ports', '50000-40000'], '--rtp-ports must be a range of ports such as 40000-49999, not "50000-40000"'],
    [['--number', '100'], '--number must be a number and a persona such as +14155550123=busy, not "100"'],
    [['--auth', 'trunk:'], '--auth must be a user name and a password such as trunk:secret'],
    [['--auth', 'a:b', '--algorithm', 'SHA-1'], '--algorithm must be MD5 or SHA-256, not "SHA-1"'],
    [['--dial', 'fred'], '--dial: "fred" is not a SIP address such as sip:+14155550100@127.0.0.1:5060'],
    [['--dial', 'sip:a@b', '--header', 'x'], '--header must be a name and a text such as "X-Customer-Id: 42", not "x"'],
    [['--prot', '1'], "Unknown option '--prot'"],
    [['callback'], "Unexpected argument 'callback'"],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
    expect(() => parseCommand(args)).toThrow(message);
  });
});
