// The filter line: `status:failed tag:customer=acme created:24h`.
import type { Phase, Status, WaitingFor } from "../../api/types";

/** The states by which runs are found, with the words of the filter line. */
export const PHASES: readonly { phase: Phase; status: Status }[] = [
    { phase: "queued", status: "PENDING" },
    { phase: "running", status: "RUNNING" },
    { phase: "waiting", status: "RUNNING" },
    { phase: "completed", status: "COMPLETED" },
    { phase: "failed", status: "FAILED" },
    { phase: "cancelled", status: "CANCELLED" },
];

const WORDS = PHASES.map(({ phase }) => phase).join(", ");
const WAITS: readonly string[] = ["worker", "check", "signal", "child", "time", "retry", "budget"] satisfies WaitingFor[];

export interface Filter {
    parameters: Record<string, string | string[]>;
    /** What cannot be understood, with what helps. */
    faults: string[];
}

interface Term {
    name: string;
    hint: string;
    /** Adds the term to the parameters; returns what is wrong with it. */
    apply: (value: string, to: Record<string, string | string[]>) => string | undefined;
}

const text =
    (parameter: string) =>
    (value: string, to: Record<string, string | string[]>): undefined => {
        to[parameter] = value;
    };

const append = (to: Record<string, string | string[]>, name: string, value: string): void => {
    to[name] = [...(to[name] ?? []), value].flat();
};

export const TERMS: readonly Term[] = [
    {
        name: "status",
        hint: WORDS,
        apply: (value, to) => {
            const found = PHASES.find(({ phase }) => phase === value.toLowerCase());
            if (found === undefined) return `the status is one of ${WORDS}`;
            // One of them is exact. Several are any of these, and then a run that waits is one that runs.
            if (to.phase === undefined && to.status === undefined) {
                to.phase = found.phase;
            } else {
                const first = PHASES.find(({ phase }) => phase === to.phase);
                delete to.phase;
                if (first !== undefined) to.status = [first.status];
                append(to, "status", found.status);
            }
            return undefined;
        },
    },
    { name: "workflow", hint: "the id of a workflow", apply: text("workflow") },
    {
        name: "tag",
        hint: "customer=acme",
        apply: (value, to) => {
            const at = value.search(/[=:]/);
            if (at <= 0) return "a tag is written as `tag:key=value`";
            append(to, "tag", `${value.slice(0, at)}:${value.slice(at + 1)}`);
            return undefined;
        },
    },
    { name: "error", hint: "a code, as STAGE_FAILED", apply: text("error") },
    {
        name: "waiting",
        hint: WAITS.join(", "),
        apply: (value, to) => {
            if (!WAITS.includes(value)) return `a run waits for one of ${WAITS.join(", ")}`;
            to.waiting_for = value;
            return undefined;
        },
    },
    { name: "key", hint: "an idempotency key", apply: text("key") },
    { name: "id", hint: "the beginning of an id", apply: text("id") },
    { name: "parent", hint: "the id of the run that has started it", apply: text("parent") },
    { name: "blocked", hint: "a code, as BUDGET_EXCEEDED", apply: text("blocked_reason") },
    { name: "definition", hint: "a fingerprint", apply: text("definition") },
    { name: "created", hint: "24h, 7d or 2026-11-30", apply: (value, to) => instant(value, "created_after", to) },
    { name: "before", hint: "24h, 7d or 2026-11-30", apply: (value, to) => instant(value, "created_before", to) },
];

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function instant(value: string, parameter: string, to: Record<string, string | string[]>): string | undefined {
    const distance = /^(\d{1,6})([mhd])$/.exec(value);
    const at =
        distance !== null
            ? // Whole minutes, so that the address of a request does not change with each second.
              Math.floor(Date.now() / 60_000) * 60_000 - Number(distance[1]) * (UNITS[distance[2] ?? ""] ?? 0)
            : Date.parse(value);
    if (Number.isNaN(at)) return "a time is `30m`, `24h`, `7d` or a date as `2026-11-30`";
    to[parameter] = new Date(at).toISOString();
    return undefined;
}

/** Splits at spaces, apart from those in quotation marks. */
export function terms(line: string): string[] {
    return (line.match(/(?:"[^"]*"|\S)+/g) ?? []).map((term) => term.replaceAll('"', ""));
}

/** Reads a filter line. */
export function parseFilter(line: string): Filter {
    const parameters: Record<string, string | string[]> = {};
    const faults: string[] = [];
    for (const term of terms(line)) {
        const at = term.indexOf(":");
        const known = TERMS.find(({ name }) => name === term.slice(0, at).toLowerCase());
        if (at < 0 || known === undefined) {
            const names = TERMS.map(({ name }) => `${name}:`).join(" ");
            faults.push(`\`${term}\` is not a filter: use ${names}`);
            continue;
        }
        const value = term.slice(at + 1);
        const fault = value === "" ? `\`${term}\` has no value, such as ${known.hint}` : known.apply(value, parameters);
        if (fault !== undefined) faults.push(fault);
    }
    return { parameters, faults };
}

const quoted = (term: string): string => (/\s/.test(term) ? `"${term}"` : term);

/** Adds a term, or removes it. */
export function toggled(line: string, term: string): string {
    const all = terms(line);
    const rest = all.filter((other) => other !== term);
    return (rest.length < all.length ? rest : [...all, term]).map(quoted).join(" ");
}

/** Replaces the terms of a name by one, or by none. */
export function replaced(line: string, name: string, value: string | undefined): string {
    const rest = terms(line).filter((term) => !term.startsWith(`${name}:`));
    return (value === undefined ? rest : [...rest, `${name}:${value}`]).map(quoted).join(" ");
}
