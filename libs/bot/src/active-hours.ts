import { DateTime } from 'luxon';
import { weekdays, type ActiveHours } from './bot-settings.js';

export type HoursVerdict = { open: true } | { open: false; nextOpenAt: Date };

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Whether the bot may call at `nowMs`, and when next. A window whose end is not after its start passes midnight. */
export function checkActiveHours(hours: ActiveHours | null, nowMs: number): HoursVerdict {
  if (!hours?.enabled || hours.days.length === 0) return { open: true };
  const now = DateTime.fromMillis(nowMs, { zone: hours.timezone });
  for (let offset = -1; offset <= 8; offset++) {
    const window = windowOf(hours, now.plus({ days: offset }));
    if (!window || window.end <= now) continue;
    return window.start <= now ? { open: true } : { open: false, nextOpenAt: window.start.toJSDate() };
  }
  return { open: true };
}

/** The window that begins on `day`'s date, if that weekday has one. Local times that a clock change skips move on with it. */
function windowOf(hours: ActiveHours, day: DateTime): { start: DateTime; end: DateTime } | undefined {
  if (!hours.days.includes(weekdays[day.weekday - 1])) return undefined;
  const at = (time: string, date: DateTime): DateTime =>
    date.set({ hour: Number(time.slice(0, 2)), minute: Number(time.slice(3, 5)), second: 0, millisecond: 0 });
  const overnight = minutesOf(hours.endTime) <= minutesOf(hours.startTime);
  return { start: at(hours.startTime, day), end: at(hours.endTime, overnight ? day.plus({ days: 1 }) : day) };
}
