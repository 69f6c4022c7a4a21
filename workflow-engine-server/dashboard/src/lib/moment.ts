// Durations and instants as people write them: `30m`, `2h 30m`, `2026-12-01 09:00` in the zone that the page shows.
import { full, relative, zoneName } from "./time";

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time that was understood, or what is wrong with it. */
export type Moment = { at: Date; about: string } | { wrong: string };

/** Reads `90s`, `30m`, `2h 30m`, `7d`; `undefined` for anything else. */
export function readDuration(text: string): number | undefined {
    if (!/^(\d+(\.\d+)?\s*(s|min|m|h|d|w)\s*)+$/.test(text.trim())) return undefined;
    const parts = text.matchAll(/(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)/g);
    return [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** Reads a duration from now, or a date with a time of day. */
export function readMoment(text: string): Moment {
    const distance = readDuration(text.replace(/^in\s+/, ""));
    const moment = distance === undefined ? readDate(text) : said(new Date(Date.now() + distance));
    if ("wrong" in moment) return moment.wrong === NO_DATE ? { wrong: `write a time from now, as \`30m\`, \`2h\` or \`7d\`, or ${NO_DATE.slice(6)}` } : moment;
    return moment.at.getTime() < Date.now() - 1_000 ? { wrong: "this is in the past" } : moment;
}

const NO_DATE = "write a date, as `2026-12-01 09:00`";

/** Reads a date with or without a time of day, in the zone that the page shows unless it names an offset. */
export function readDate(text: string): Moment {
    const written = text.trim();
    if (/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)$/.test(written)) {
        const at = new Date(written.replace(" ", "T"));
        return Number.isNaN(at.getTime()) ? { wrong: "this day or time does not exist" } : said(at);
    }
    const found = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]+(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(written);
    if (found === null) return { wrong: NO_DATE };
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map((part) => Number(part ?? 0));
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    const isDate = new Date(wall).getUTCDate() === day && new Date(wall).getUTCMonth() === month - 1;
    if (!isDate || hour > 23 || minute > 59 || second > 59) return { wrong: "this day or time does not exist" };
    const at = instantOf(wall, zoneName.value);
    if (at === undefined) return { wrong: `this time does not exist in ${zoneName.value}: the clock is put forward over it` };
    return said(at);
}

function said(at: Date): Moment {
    const instant = at.toISOString();
    return { at, about: `${full(instant).replace(/:\d\d\.\d{3} /, " ")}, ${relative(instant)}` };
}

/** Returns the instant at which clocks of a zone show this time, given as if it were UTC. Of an hour that comes twice, the first. */
export function instantOf(wall: number, timeZone: string): Date | undefined {
    const offsets = [-86_400_000, 86_400_000].map((around) => offsetAt(wall + around, timeZone));
    const candidates = offsets.map((offset) => wall - offset).filter((at) => at + offsetAt(at, timeZone) === wall);
    return candidates.length === 0 ? undefined : new Date(Math.min(...candidates));
}

/** By how much the clocks of a zone are ahead of UTC, in milliseconds. */
function offsetAt(at: number, timeZone: string): number {
    const format = new Intl.DateTimeFormat("en-US", {
        timeZone,
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
    });
    const parts = Object.fromEntries(format.formatToParts(new Date(at)).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1_000) * 1_000;
}
