// The runs of a page.
import type { ListedRun } from "../../api/types";
import { href } from "../../lib/base";
import { between, duration, elapsed } from "../../lib/time";
import { Ago, Money, shortId } from "../../parts/basics";
import { State } from "../../parts/state";
import { mayOperate } from "../../session";
import { toggled } from "./filter";

interface Props {
    rows: ListedRun[];
    selected: ReadonlySet<string>;
    setSelected: (selected: ReadonlySet<string>) => void;
    go: (query: string) => void;
    line: string;
}

export function RunTable({ rows, selected, setSelected, go, line }: Props) {
    const areAll = rows.every((run) => selected.has(run.id));
    const selects = mayOperate.value;
    return (
        <table class="runs">
            <caption class="visually-hidden">Runs, newest first</caption>
            <thead>
                <tr>
                    {selects && (
                        <th class="select">
                            <input
                                type="checkbox"
                                aria-label="Select all runs that are shown"
                                checked={areAll}
                                onChange={() => setSelected(areAll ? new Set() : new Set(rows.map((run) => run.id)))}
                            />
                        </th>
                    )}
                    <th>State</th>
                    <th>Run</th>
                    <th class="wide">What happened</th>
                    <th class="end">Stages</th>
                    <th class="end">Cost</th>
                    <th class="end">Took</th>
                    <th class="end">Created</th>
                </tr>
            </thead>
            <tbody>
                {rows.map((run) => (
                    <tr key={run.id} aria-selected={selected.has(run.id)}>
                        {selects && (
                            <td class="select">
                                <input
                                    type="checkbox"
                                    aria-label={`Select run ${shortId(run.id)}`}
                                    checked={selected.has(run.id)}
                                    onChange={() => {
                                        const changed = new Set(selected);
                                        if (!changed.delete(run.id)) changed.add(run.id);
                                        setSelected(changed);
                                    }}
                                />
                            </td>
                        )}
                        <td class="phase">
                            <State of={run.phase} />
                        </td>
                        <td class="name">
                            <a href={href(`runs/${run.id}`)} data-run={run.id} class="run-link">
                                {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
                            </a>
                        </td>
                        <td class="wide">
                            <div class="what">
                                {summary(run) !== "" && (
                                    <span class={run.error ? "ellipsis error-line" : "ellipsis muted"} title={summary(run)}>
                                        {summary(run)}
                                    </span>
                                )}
                                <span class="tags">
                                    {Object.entries(run.tags).map(([key, value]) => (
                                        <button
                                            key={key}
                                            type="button"
                                            class="tag"
                                            title={`Only runs with ${key}=${value}`}
                                            onClick={() => go(toggled(line, `tag:${key}=${value}`))}
                                        >
                                            <b>{key}</b>
                                            {value}
                                        </button>
                                    ))}
                                </span>
                            </div>
                        </td>
                        <td class="end progress">
                            <Progress run={run} />
                        </td>
                        <td class="end cost">
                            <Money amount={run.costs.cost} isDash={false} />
                        </td>
                        <td class="end took">{took(run)}</td>
                        <td class="end created">
                            <Ago at={run.created_at} />
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

/** `7/12`, with a bar while the run continues. */
function Progress({ run }: { run: ListedRun }) {
    const { progress, phase } = run;
    if (!progress || phase === "queued") return null;
    // The state comes by the stream, a moment before the numbers.
    const done = phase === "completed" ? progress.total : progress.done;
    const isOpen = phase === "running" || phase === "waiting";
    return (
        <>
            <span class={isOpen ? undefined : "muted"}>
                {done}/{progress.total}
            </span>
            {isOpen && (
                <span class={`bar tone-${phase}`} aria-hidden="true">
                    <i style={{ width: `${(done / Math.max(1, progress.total)) * 100}%` }} />
                </span>
            )}
        </>
    );
}

function summary(run: ListedRun): string {
    if (run.error) return firstLine(run.error.message);
    if (run.cancel_reason) return firstLine(run.cancel_reason);
    if (run.phase === "waiting") return `${run.suspended_stages === 1 ? "a stage waits" : `${run.suspended_stages} stages wait`}`;
    if (run.generation > 1) return `generation ${run.generation}`;
    return "";
}

/** The error of a stage without the parts that the row has anyway. */
function firstLine(text: string): string {
    const line = text.split("\n")[0] ?? "";
    return line.replace(/^stage `([^`]+)` failed after \d+ attempts?: /, "$1: ");
}

function took(run: ListedRun): string {
    if (run.started_at === null) return "";
    const ms = between(run.started_at, run.completed_at);
    return run.completed_at === null ? elapsed(ms) : duration(ms);
}

