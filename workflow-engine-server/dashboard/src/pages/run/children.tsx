// The runs that a run has started: what they do, and what they cost.
import type { RunView } from "../../api/types";
import { href } from "../../lib/base";
import { between, duration, elapsed } from "../../lib/time";
import { Ago, Empty, Money } from "../../parts/basics";
import { State } from "../../parts/state";
import { RunLink } from "./run-link";
import type { Children } from "./use-children";

interface Props {
    id: string;
    started: Children;
    onSelect: (stage: string) => void;
}

export function ChildrenTable({ id, started, onSelect }: Props) {
    if (started.items.length === 0) {
        return (
            <div class="card">
                <Empty title="This run has started no other run" code={"ctx.start::<Greeting>(GreetingInput { name }).await?;"}>
                    <p>A stage starts one with its context; a workflow that is a step of this one is another run, too.</p>
                </Empty>
            </div>
        );
    }
    return (
        <div class="card">
            <div class="table-box" tabIndex={0} role="group" aria-label="Runs that this run has started, newest first">
                <table>
                    <caption class="visually-hidden">Runs that this run has started, newest first</caption>
                    <thead>
                        <tr>
                            <th>State</th>
                            <th>Run</th>
                            <th>Started by</th>
                            <th class="end">Cost</th>
                            <th class="end">Took</th>
                            <th class="end">Created</th>
                        </tr>
                    </thead>
                    <tbody>
                        {started.items.map((run) => (
                            <tr key={run.id}>
                                <td>
                                    <State of={run.phase} />
                                </td>
                                <td class="nowrap">
                                    <RunLink run={run} />
                                </td>
                                <td class="nowrap">
                                    <button type="button" class="text-link" onClick={() => onSelect(run.parent?.stage_id ?? "")}>
                                        {run.parent?.stage_id}
                                    </button>
                                    <span class="muted">{run.parent?.is_awaited ? ", which waits for it" : ", which does not wait"}</span>
                                </td>
                                <td class="end">
                                    <Money amount={run.costs.cost} />
                                </td>
                                <td class="end">{took(run)}</td>
                                <td class="end">
                                    <Ago at={run.created_at} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                    {started.costs && (
                        <tfoot>
                            <tr>
                                <th scope="row" colSpan={3}>
                                    This run, the runs that it has started, and theirs
                                </th>
                                <td class="end">
                                    <Money amount={started.costs.with_children.cost} />
                                </td>
                                <td colSpan={2} />
                            </tr>
                        </tfoot>
                    )}
                </table>
            </div>
            {started.hasMore && (
                <div class="more">
                    <a class="button" href={href("", { q: `parent:${id}` })}>
                        Show all of them
                    </a>
                </div>
            )}
        </div>
    );
}

function took(run: RunView): string {
    if (run.started_at === null) return "–";
    const ms = between(run.started_at, run.completed_at);
    return run.completed_at === null ? elapsed(ms) : duration(ms);
}
