/** `when`: the hours in which a grant holds, by the clocks of one place (docs/spec/02 §8). @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { closedObject } from './closed-object.ts';
import { malformed } from './token-fault.ts';

const weekdayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdayNames)[number];

/** From `from` to before `to`, both `HH:MM` on a clock at that place; `to` may be `24:00`. A window over midnight is two windows. */
export type Window = { readonly from: string; readonly to: string; readonly weekdays?: readonly Weekday[] };

/** Open in any of the windows. `zone`: an IANA name such as `Europe/Berlin`, or `UTC`. */
export type WindowRule = { readonly zone: string; readonly windows: readonly Window[] };

const ruleMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['zone', 'windows']);
const windowMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['from', 'to', 'weekdays']);
const time = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Two a day of the week: what needs more is a calendar, and a capability is none. */
const maxWindows = 14;

/** An offset (`+02:00`) is no place: it would be wrong for half of the year. Names as the IANA database has them. */
const zoneName = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;

/** Whether one of the windows is open. @throws {@link TokenFault} `MALFORMED`, also if this machine does not know the zone. */
export function compileWindows(value: JsonValue): (now: number) => boolean {
  const { zone, windows } = closedObject(value, ruleMembers) ?? {};
  if (typeof zone !== 'string' || !zoneName.test(zone)) throw malformed('when');
  if (!Array.isArray(windows) || windows.length === 0 || windows.length > maxWindows) throw malformed('when');
  const compiled = (windows as readonly JsonValue[]).map(readWindow);
  const readClock = wallClock(zone);
  return (now) => {
    const local = readClock(now);
    return local !== undefined && compiled.some(({ from, to, days }) => days.has(local.day) && local.time >= from && local.time < to);
  };
}

function readWindow(value: JsonValue): { readonly from: string; readonly to: string; readonly days: ReadonlySet<JsonValue> } {
  const { from, to, weekdays = weekdayNames } = closedObject(value, windowMembers) ?? {};
  if (typeof from !== 'string' || !time.test(from) || typeof to !== 'string' || !(to === '24:00' || time.test(to)) || from >= to) throw malformed('when');
  const days: readonly JsonValue[] = Array.isArray(weekdays) ? weekdays : [];
  if (days.length === 0 || !days.every((day) => weekdayNames.includes(day as Weekday))) throw malformed('when');
  return { from, to, days: new Set(days) };
}

/** Hours and minutes as text of one length are in the order of the clock. Undefined if the clock cannot be read. */
function wallClock(zone: string): (now: number) => { readonly day: string; readonly time: string } | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    throw malformed('when');
  }
  return (now) => {
    try {
      const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
      return { day: (parts.get('weekday') ?? '').toLowerCase(), time: `${parts.get('hour')}:${parts.get('minute')}` };
    } catch {
      return undefined;
    }
  };
}
