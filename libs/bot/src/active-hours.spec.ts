import { describe, expect, it } from '@jest/globals';
import { checkActiveHours } from './active-hours.js';
import type { ActiveHours } from './bot-settings.js';

const office: ActiveHours = { enabled: true, timezone: 'Europe/Berlin', days: ['mon', 'tue', 'wed', 'thu', 'fri'], startTime: '09:00', endTime: '17:30' };
const at = (iso: string): number => Date.parse(iso);

describe('active hours', () => {
  it('is open inside the window and closed at its end', () => {
    expect(checkActiveHours(office, at('2026-01-05T08:00:00Z'))).toEqual({ open: true });
    expect(checkActiveHours(office, at('2026-01-05T16:30:00Z'))).toEqual({ open: false, nextOpenAt: new Date('2026-01-06T08:00:00Z') });
  });
  it('skips the weekend', () => {
    expect(checkActiveHours(office, at('2026-01-09T20:00:00Z'))).toEqual({ open: false, nextOpenAt: new Date('2026-01-12T08:00:00Z') });
  });
  it('passes midnight: the window belongs to the day it began on', () => {
    const night: ActiveHours = { ...office, days: ['fri'], startTime: '22:00', endTime: '02:00', timezone: 'UTC' };
    expect(checkActiveHours(night, at('2026-01-10T01:59:00Z')).open).toBe(true);
    expect(checkActiveHours(night, at('2026-01-10T02:00:00Z'))).toEqual({ open: false, nextOpenAt: new Date('2026-01-16T22:00:00Z') });
    expect(checkActiveHours(night, at('2026-01-09T01:00:00Z'))).toEqual({ open: false, nextOpenAt: new Date('2026-01-09T22:00:00Z') });
  });
  it('follows clock changes', () => {
    // Berlin springs forward on 2026-03-29: nine o'clock on the Monday after is 07:00 UTC, not 08:00.
    expect(checkActiveHours(office, at('2026-03-28T12:00:00Z'))).toEqual({ open: false, nextOpenAt: new Date('2026-03-30T07:00:00Z') });
  });
  it('is always open when switched off', () => {
    expect(checkActiveHours({ ...office, enabled: false }, at('2026-01-10T03:00:00Z'))).toEqual({ open: true });
    expect(checkActiveHours(null, 0)).toEqual({ open: true });
  });
});
