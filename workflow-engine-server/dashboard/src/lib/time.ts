// Instants and durations as people read them.
import { computed, signal } from "@preact/signals";
import { zone } from "./settings";

/** The current instant, a second at a time. */
export const now = signal(Date.now());
setInterval(() => {
    if (!document.hidden) now.value = Date.now();
}, 1_000);
document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now.value = Date.now();
});

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

function isZone(name: string): boolean {
    try {
        return Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
    } catch {
        return false;
    }
}

/** The zone in which instants are shown. */
export const zoneName = computed(() => (zone.value !== "local" && isZone(zone.value) ? zone.value : ownZone));

/** The zones that one can choose. */
export function zones(): string[] {
    const known = typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [ownZone];
    return ["UTC", ...known.filter((name) => name !== "UTC")];
}

const formats = computed(() => {
    const timeZone = zoneName.value;
    const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
    const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
    return {
        time: new Intl.DateTimeFormat("en-GB", { timeZone, ...time }),
        precise: new Intl.DateTimeFormat("en-GB", { timeZone, ...time, fractionalSecondDigits: 3 }),
        date: new Intl.DateTimeFormat("sv-SE", { timeZone, ...date }),
        day: new Intl.DateTimeFormat("en-GB", { timeZone, day: "numeric", month: "short" }),
    };
});

/** `14:03:22` today, `29 Nov 14:03:22` on another day. */
export function clock(instant: string): string {
    const at = new Date(instant);
    const { time, date, day } = formats.value;
    const isToday = date.format(at) === date.format(now.peek());
    return isToday ? time.format(at) : `${day.format(at)} ${time.format(at)}`;
}

/** `14:03:22.017`. */
export function precise(instant: string): string {
    return formats.value.precise.format(new Date(instant));
}

/** `2026-11-30 14:03:22.017 Europe/Berlin`. */
export function full(instant: string): string {
    const at = new Date(instant);
    return `${formats.value.date.format(at)} ${formats.value.precise.format(at)} ${zoneName.value}`;
}

/** `950 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(milliseconds: number): string {
    const ms = Math.max(0, milliseconds);
    if (ms < 1_000) return `${Math.round(ms)} ms`;
    if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1_000);
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
    const days = Math.floor(hours / 24);
    return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** The same for what still grows, a second at a time: `0 s`, `4 s`. */
export function elapsed(milliseconds: number): string {
    return milliseconds < 10_000 ? `${Math.max(0, Math.floor(milliseconds / 1_000))} s` : duration(milliseconds);
}

/** `just now`, `5 min ago`, `in 3 h`. What is to come is rounded up, and what has been down. */
export function relative(instant: string): string {
    const distance = now.value - Date.parse(instant);
    const ms = Math.abs(distance);
    if (ms < 2_000) return distance > 0 ? "just now" : "now";
    const round = distance > 0 ? Math.floor : Math.ceil;
    const [unit, name] = ms < 60_000 ? [1_000, "s"] : ms < 3_600_000 ? [60_000, "min"] : ms < 172_800_000 ? [3_600_000, "h"] : [86_400_000, "d"];
    const text = `${round(ms / unit)} ${name}`;
    return distance > 0 ? `${text} ago` : `in ${text}`;
}

/** Milliseconds between two instants; up to now without the second. */
export function between(from: string, to: string | null | undefined): number {
    return (to === null || to === undefined ? now.value : Date.parse(to)) - Date.parse(from);
}
