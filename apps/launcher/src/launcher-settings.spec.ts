import { describe, expect, it } from '@jest/globals';
import { launcherSettings, portShare } from './launcher-settings.js';

describe('the launcher\'s settings', () => {
  it('gives every worker RTP ports of its own, beginning with an even one', () => {
    const shares = [0, 1, 2].map((index) => portShare({ min: 30_001, max: 30_100 }, index, 3));
    expect(shares).toEqual([{ min: 30_002, max: 30_033 }, { min: 30_034, max: 30_065 }, { min: 30_066, max: 30_097 }]);
  });

  it.each([
    [{ DIALFLEET_WORKERS: '8', DIALFLEET_RTP_PORTS: '30000-30015' }, 'DIALFLEET_RTP_PORTS 30000-30015 is too narrow for 8 workers'],
    [{ DIALFLEET_WORKERS: '4', DIALFLEET_SIP_PORT: '65533' }, 'DIALFLEET_SIP_PORT 65533 leaves no ports for 4 workers'],
    [{ DIALFLEET_WORKERS: '2', DIALFLEET_SIP_TLS_CERT: 'cert.pem' }, 'DIALFLEET_SIP_TLS_PORT 5061 is too close to DIALFLEET_SIP_PORT 5060 for 2 workers'],
    [{ DIALFLEET_PORT: '70000' }, 'DIALFLEET_PORT must be a whole number from 0 to 65535, not "70000"'],
  ])('refuses %j', (env, message) => { expect(() => launcherSettings(env)).toThrow(message); });

  it('needs none', () => { expect(launcherSettings({})).toMatchObject({ port: 3000, workers: 1, sipPort: 5060, natsUrl: '', databaseUrl: '' }); });
});
