// The states with their counts, of the runs that match the rest of the filter.
import { get, query } from "../../api/client";
import type { RunCount } from "../../api/types";
import { useEvery, useLoad } from "../../lib/load";
import { Mark, lookOf } from "../../parts/state";
import { PHASES, replaced, terms } from "./filter";

interface Props {
    line: string;
    parameters: Record<string, string | string[]>;
    go: (query: string) => void;
}

type Counts = Record<string, RunCount>;

async function counts(key: string, signal: AbortSignal): Promise<Counts> {
    const parameters = JSON.parse(key) as Record<string, string | string[]>;
    const asked = PHASES.map(async ({ phase }) => {
        const path = `/runs/count${query({ ...parameters, phase })}`;
        return [phase, await get<RunCount>(path, signal)] as const;
    });
    return Object.fromEntries(await Promise.all(asked));
}

export function Facets({ line, parameters, go }: Props) {
    const { status: _, phase: __, ...rest } = parameters;
    const loaded = useLoad<Counts>(JSON.stringify(rest), counts);
    useEvery(5_000, loaded.reload);
    const chosen = terms(line).filter((term) => term.startsWith("status:"));
    return (
        <div class="facets" role="group" aria-label="States">
            <button type="button" class="facet" aria-pressed={chosen.length === 0} onClick={() => go(replaced(line, "status", undefined))}>
                All
            </button>
            {PHASES.map(({ phase: word }) => {
                const look = lookOf(word);
                const count = loaded.data?.[word];
                const isChosen = chosen.includes(`status:${word}`);
                return (
                    <button
                        key={word}
                        type="button"
                        class={`facet tone-${look.tone}`}
                        aria-pressed={isChosen}
                        onClick={() => go(replaced(line, "status", isChosen ? undefined : word))}
                    >
                        <Mark shape={look.shape} />
                        {look.word}
                        <span class="num">{count === undefined ? "" : `${count.count.toLocaleString("en")}${count.is_exact ? "" : "+"}`}</span>
                    </button>
                );
            })}
        </div>
    );
}
