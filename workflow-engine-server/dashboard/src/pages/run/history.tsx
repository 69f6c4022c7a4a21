// The events, model calls, annotations and artifacts of a run, and its stages as a table.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type ApiError, get, segment } from "../../api/client";
import type { AiCallRecord, AnnotationRecord, ArtifactView, Event, Page, StageView } from "../../api/types";
import { compact } from "../../lib/exact";
import { useLoad } from "../../lib/load";
import { between, duration, elapsed, full, precise } from "../../lib/time";
import { Empty, Failure, Loading, Money } from "../../parts/basics";
import { Payload } from "../../parts/json";
import { State } from "../../parts/state";

interface ListProps<T> {
    path: string;
    version: number;
    head: ComponentChildren;
    row: (item: T) => ComponentChildren;
    empty: ComponentChildren;
    caption: string;
}

/** A list whose pages follow each other. */
export function PagedTable<T>({ path, version, head, row, empty, caption }: ListProps<T>) {
    const first = useLoad<Page<T>>(`${path}${path.includes("?") ? "&" : "?"}limit=100`);
    const [more, setMore] = useState<{ items: T[]; next: string | undefined } | undefined>(undefined);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    useEffect(first.reload, [version]);
    useEffect(() => setMore(undefined), [path]);
    const next = more === undefined ? (first.data?.next ?? undefined) : more.next;
    const readMore = (): void => {
        get<Page<T>>(`${path}${path.includes("?") ? "&" : "?"}limit=200&after=${encodeURIComponent(next ?? "")}`)
            .then((page) => setMore({ items: [...(more?.items ?? []), ...page.items], next: page.next ?? undefined }))
            .catch(setError);
    };
    if (first.error && first.data === undefined) return <Failure error={first.error} retry={first.reload} />;
    if (first.data === undefined) return <Loading />;
    if (first.data.items.length === 0) return <div class="card">{empty}</div>;
    return (
        <div class="card">
            <div class="table-box" tabIndex={0} role="group" aria-label={caption}>
                <table>
                    <caption class="visually-hidden">{caption}</caption>
                    <thead>
                        <tr>{head}</tr>
                    </thead>
                    <tbody>{[...first.data.items, ...(more?.items ?? [])].map(row)}</tbody>
                </table>
            </div>
            {error && <Failure error={error} />}
            {next !== undefined && (
                <div class="more">
                    <button type="button" class="button" onClick={readMore}>
                        Show more
                    </button>
                </div>
            )}
        </div>
    );
}

export function Events({ id, version }: { id: string; version: number }) {
    return (
        <PagedTable<Event>
            path={`/runs/${segment(id)}/events`}
            version={version}
            caption="Events, oldest first"
            empty={<Empty title="There are no events" />}
            head={
                <>
                    <th class="end">#</th>
                    <th>At</th>
                    <th>Event</th>
                    <th>Data</th>
                </>
            }
            row={(event) => (
                <tr key={event.sequence}>
                    <td class="end muted">{event.sequence}</td>
                    <td class="num nowrap" title={full(event.at)}>
                        {precise(event.at)}
                    </td>
                    <td class="nowrap">{event.type}</td>
                    <td class="mono data">{data(event.data)}</td>
                </tr>
            )}
        />
    );
}

function data(of: Record<string, unknown>): string {
    return Object.entries(of)
        .map(([key, value]) => `${key}=${typeof value === "string" ? value : compact(value)}`)
        .join("  ");
}

export function Calls({ id, version }: { id: string; version: number }) {
    return (
        <PagedTable<AiCallRecord>
            path={`/runs/${segment(id)}/calls`}
            version={version}
            caption="Calls of models, oldest first"
            empty={
                <Empty title="This run has called no model" code={'ctx.ai().generate_text("gemini-2.5-flash", text).await?'}>
                    <p>A stage calls one with its context; each call is kept with its cost.</p>
                </Empty>
            }
            head={
                <>
                    <th>At</th>
                    <th>Stage</th>
                    <th>Model</th>
                    <th>Outcome</th>
                    <th class="end">Tokens in</th>
                    <th class="end">out</th>
                    <th class="end">Cost</th>
                    <th class="end">Reserved</th>
                    <th>Prompt and response</th>
                </>
            }
            row={(call) => (
                <tr key={call.id}>
                    <td class="num nowrap" title={full(call.created_at)}>
                        {precise(call.created_at)}
                    </td>
                    <td class="nowrap">
                        {call.stage_id ?? "–"} <span class="muted">attempt {call.attempt}</span>
                    </td>
                    <td class="nowrap">
                        {call.model_key} <span class="muted">{call.call_type}</span>
                    </td>
                    <td>
                        <State of={CALLS[call.outcome][0]} word={CALLS[call.outcome][1]} />
                        {call.error_message && <div class="error-line">{call.error_message}</div>}
                    </td>
                    <td class="end">
                        {call.input_tokens.toLocaleString("en")}
                        {call.cached_input_tokens > 0 && (
                            <span class="muted"> ({call.cached_input_tokens.toLocaleString("en")} cached)</span>
                        )}
                    </td>
                    <td class="end">{call.output_tokens.toLocaleString("en")}</td>
                    <td class="end">
                        <Money amount={call.cost} />
                    </td>
                    <td class="end">
                        <Money amount={call.reserved} />
                    </td>
                    <td class="data">
                        {call.prompt && (
                            <details>
                                <summary class="ellipsis">{call.prompt}</summary>
                                <pre class="code json">{call.prompt}</pre>
                                <pre class="code json">{call.response ?? "no response is kept"}</pre>
                            </details>
                        )}
                    </td>
                </tr>
            )}
        />
    );
}

const CALLS: Record<AiCallRecord["outcome"], [string, string]> = {
    RESERVED: ["running", "Under way"],
    SETTLED: ["completed", "Settled"],
    FAILED: ["failed", "Failed"],
    UNKNOWN: ["waiting", "Unknown"],
};

export function Notes({ id, version }: { id: string; version: number }) {
    return (
        <PagedTable<AnnotationRecord>
            path={`/runs/${segment(id)}/annotations`}
            version={version}
            caption="Annotations, oldest first"
            empty={
                <Empty title="There are no annotations" code={'ctx.annotate(REVIEWED, &true)?;'}>
                    <p>Stages, programs and people attach small facts to a run. What people do with it is kept here too.</p>
                </Empty>
            }
            head={
                <>
                    <th>At</th>
                    <th>Key</th>
                    <th>Value</th>
                    <th>By</th>
                    <th>Stage</th>
                </>
            }
            row={(note) => (
                <tr key={note.id}>
                    <td class="num nowrap" title={full(note.at)}>
                        {precise(note.at)}
                    </td>
                    <td class="nowrap">{note.key}</td>
                    <td class="mono data">{compact(note.value)}</td>
                    <td>{note.actor ?? ""}</td>
                    <td>{note.stage_id ?? ""}</td>
                </tr>
            )}
        />
    );
}

export function Artifacts({ id, version, canShow }: { id: string; version: number; canShow: boolean }) {
    const [open, setOpen] = useState<string | undefined>(undefined);
    const path = `/runs/${segment(id)}/artifacts`;
    return (
        <div class="stack">
            <PagedTable<ArtifactView>
                path={path}
                version={version}
                caption="Artifacts by stage and key"
                empty={
                    <Empty title="There are no artifacts" code={'ctx.put_artifact("pages", &pages)?;'}>
                        <p>A stage keeps values for people and later stages beside its output.</p>
                    </Empty>
                }
                head={
                    <>
                        <th>Stage</th>
                        <th>Key</th>
                        <th>At</th>
                        <th>Value</th>
                    </>
                }
                row={(artifact) => {
                    const address = `${path}/${segment(artifact.stage_id)}/${segment(artifact.key)}`;
                    return (
                        <tr key={address}>
                            <td>{artifact.stage_id}</td>
                            <td>{artifact.key}</td>
                            <td class="num nowrap" title={full(artifact.at)}>
                                {precise(artifact.at)}
                            </td>
                            <td>
                                {canShow && (
                                    <button
                                        type="button"
                                        class="button small"
                                        aria-expanded={open === address}
                                        onClick={() => setOpen(open === address ? undefined : address)}
                                    >
                                        {open === address ? "Hide" : "Show"}
                                    </button>
                                )}
                            </td>
                        </tr>
                    );
                }}
            />
            {open !== undefined && <Payload key={open} title={decodeURIComponent(open.split("/").at(-1) ?? "")} path={open} />}
        </div>
    );
}

interface StagesProps {
    stages: StageView[];
    selected: string | undefined;
    onSelect: (stage: string | undefined) => void;
}

/** The same as the graph and the timeline, as a table. */
export function Stages({ stages, selected, onSelect }: StagesProps) {
    if (stages.length === 0) return <Empty title="The run has not started" />;
    return (
        <div class="card table-box" tabIndex={0} role="group" aria-label="Stages in reading order">
            <table>
                <caption class="visually-hidden">Stages in reading order</caption>
                <thead>
                    <tr>
                        <th class="end">#</th>
                        <th>Stage</th>
                        <th>State</th>
                        <th class="end">Attempts</th>
                        <th class="end">Began</th>
                        <th class="end">Took</th>
                        <th class="end">Cost</th>
                        <th>Error</th>
                    </tr>
                </thead>
                <tbody>
                    {stages.map((stage) => (
                        <tr key={stage.id} aria-selected={stage.id === selected}>
                            <td class="end muted">{stage.number}</td>
                            <td>
                                <button type="button" class="button plain small" onClick={() => onSelect(stage.id)}>
                                    {stage.id}
                                </button>
                            </td>
                            <td>
                                <State of={stage.status} />
                            </td>
                            <td class="end">{stage.attempt}</td>
                            <td class="end">{stage.started_at ? precise(stage.started_at) : ""}</td>
                            <td class="end">
                                {stage.started_at &&
                                    (stage.completed_at === null
                                        ? elapsed(between(stage.started_at, null))
                                        : duration(between(stage.started_at, stage.completed_at)))}
                            </td>
                            <td class="end">
                                <Money amount={stage.costs.cost} isDash={false} />
                            </td>
                            <td class="data error-line">{stage.error ?? ""}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
