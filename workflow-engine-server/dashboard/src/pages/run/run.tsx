// The page of one run: what happens now, the graph, and everything behind it.
import { useMemo, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { segment } from "../../api/client";
import { streamState } from "../../api/live";
import type { Page, RunDetail, WorkerStatus } from "../../api/types";
import { href } from "../../lib/base";
import { useKeys } from "../../lib/keys";
import { useEvery, useLoad } from "../../lib/load";
import { later } from "../../later";
import { useTitle } from "../../lib/title";
import { between, clock, duration, elapsed, full, now } from "../../lib/time";
import { Ago, Copy, Failure, isZero, Loading, Money, plural, shortId } from "../../parts/basics";
import { Payload } from "../../parts/json";
import { lookOf, Mark, State } from "../../parts/state";
import { Tabs } from "../../parts/tabs";
import { mayOperate, seesPayloads } from "../../session";
import { ActionDialog, type ActionName, NAMES, validActions } from "./actions";
import { Graph } from "./graph";
import { Artifacts, Calls, Events, Notes, Stages } from "./history";
import { Logs } from "./logs";
import { awaiting, describe } from "./now";
import { awaitedBy, useChildren } from "./use-children";
import { useSignalStages } from "./signal-stages";
import { ErrorChain, Fact, StagePanel } from "./stage";
import { Timeline } from "./timeline";
import { useRun } from "./use-run";

const Answering = later("Answering");
const ChildrenTable = later("ChildrenTable");
/** The most questions that are shown at once; a click on a stage shows its own. */
const MOST_QUESTIONS = 3;

type Tab = "timeline" | "stages" | "logs" | "payloads" | "events" | "calls" | "notes" | "artifacts" | "children";

export function RunPage() {
    const { params } = useRoute();
    const id = params.id ?? "";
    return <RunView key={id} id={id} />;
}

function RunView({ id }: { id: string }) {
    const { url, route } = useLocation();
    const place = new URL(url, location.origin).searchParams;
    const run = useRun(id);
    const [act, setAct] = useState<{ action: ActionName; stage: string | undefined } | undefined>(undefined);
    const { detail, timeline } = run;
    const stage = place.get("stage") ?? undefined;
    const attempt = Number(place.get("attempt")) || undefined;
    const tab = (place.get("tab") ?? "timeline") as Tab;
    const goTo = (changes: Record<string, string | undefined>): void => {
        const parameters: Record<string, string | undefined> = { ...Object.fromEntries(place), ...changes };
        route(href(`runs/${id}`, parameters), true);
    };
    const onSelect = (chosen: string | undefined): void => goTo({ stage: chosen, attempt: undefined, line: undefined });
    const isOpen = detail !== undefined && detail.run.completed_at === null;
    const workers = useLoad<Page<WorkerStatus>>(isOpen ? "/workers?limit=200" : undefined);
    useEvery(isOpen ? 3_000 : undefined, workers.reload);
    const forms = useSignalStages(detail);
    const children = useChildren(id, isOpen, childrenChange(detail));
    const awaits = useMemo(() => awaiting(timeline), [timeline]);
    const valid = detail === undefined || !mayOperate.value ? [] : validActions(detail, (stage) => forms.has(stage) || awaits.has(stage));
    const open = (action: ActionName, of?: string): void => setAct({ action, stage: of });
    const ids = detail?.stages.map((other) => other.id) ?? [];
    const step = (by: number): void => {
        const at = stage === undefined ? (by > 0 ? -1 : 0) : ids.indexOf(stage);
        const next = ids[(at + by + ids.length) % Math.max(1, ids.length)];
        if (next !== undefined) onSelect(next);
    };
    const letters: Record<ActionName, string> = { cancel: "c", rerun: "r", fork: "f", wake: "w", budget: "b" };
    useKeys([
        ...valid.map((action) => ({ key: letters[action], does: NAMES[action], action: () => open(action) })),
        { key: "j", does: "Next stage", action: () => step(1) },
        { key: "k", does: "Previous stage", action: () => step(-1) },
        { key: "l", does: "Logs", action: () => goTo({ tab: "logs" }) },
        { key: "t", does: "Timeline", action: () => goTo({ tab: undefined }) },
        { key: "Escape", does: "Close the stage", action: () => onSelect(undefined) },
    ]);
    useTitle(detail === undefined ? "Run" : `${lookOf(detail.run.phase).word}: ${detail.run.workflow_id}`);

    if (run.error && detail === undefined) return <Failure error={run.error} retry={run.reload} />;
    if (detail === undefined) return <Loading lines={10} />;
    const chosen = detail.stages.find((other) => other.id === stage);
    // The sentence counts seconds.
    void now.value;
    const says = describe(detail, timeline, workers.data?.items, forms, awaits);
    const child = says.awaits === undefined ? undefined : awaitedBy(children.items, says.awaits);
    const asking = seesPayloads.value ? detail.stages.filter((other) => other.status === "SUSPENDED" && forms.has(other.id)) : [];
    // What helps now; no action does where an answer, another run or time is needed.
    const needsAction = (says.tone === "failed" || says.tone === "waiting") && says.awaits === undefined && asking.length === 0;
    const helps: ReadonlySet<ActionName> = new Set(needsAction ? ["budget", "rerun", "wake"] : []);
    const { run: record } = detail;
    const path = `/runs/${segment(id)}`;
    return (
        <div class="page">
            <header class="page-head">
                <div>
                    <p class="crumbs">
                        <a href={href("")}>Runs</a> / <a href={href("", { q: `workflow:${record.workflow_id}` })}>{record.workflow_id}</a>
                    </p>
                    <h1 class="row">
                        {record.workflow_id}
                        <span class="mono muted run-id">{shortId(id)}</span>
                        <Copy text={id}>Copy id</Copy>
                    </h1>
                </div>
                <div class="row">
                    <span class="live" data-state={streamState.value}>
                        {streamState.value === "open" ? "Live" : "Connecting"}
                    </span>
                    {valid.map((action, index) => (
                        <button
                            key={action}
                            type="button"
                            class={index === 0 && helps.has(action) ? "button primary" : "button"}
                            onClick={() => open(action)}
                        >
                            {NAMES[action]}…
                        </button>
                    ))}
                </div>
            </header>

            <section class={`now tone-${says.tone}`} aria-label="What happens now">
                <Mark shape={lookOf(says.tone === "quiet" ? record.phase : says.tone).shape} />
                <div class="stack">
                    <p class="now-says" aria-live="polite" aria-atomic="true">
                        {says.stage === undefined ? says.says : <Said text={says.says} stage={says.stage} onSelect={onSelect} />}
                    </p>
                    {says.quote !== undefined && <ErrorChain text={says.quote} />}
                    {says.helps !== undefined && (
                        <p class="muted">
                            {says.helps}
                            {child !== undefined && (
                                <>
                                    {" "}
                                    It is <a href={href(`runs/${child.id}`)}>{child.workflow_id} {shortId(child.id)}</a>, which is{" "}
                                    {lookOf(child.phase).word.toLowerCase()}.
                                </>
                            )}
                        </p>
                    )}
                </div>
            </section>

            {(chosen !== undefined && asking.includes(chosen) ? [chosen] : asking.slice(0, MOST_QUESTIONS)).map((other) => (
                <Answering
                    key={`${other.id} ${other.generation}`}
                    run={id}
                    stage={other}
                    form={forms.get(other.id) ?? {}}
                    onOver={run.reload}
                />
            ))}

            <dl class="facts">
                <Fact name="State">
                    <State of={record.phase} />
                </Fact>
                <Fact name="Created">
                    <span title={full(record.created_at)}>{clock(record.created_at)}</span> <Ago at={record.created_at} />
                </Fact>
                {record.started_at && (
                    <Fact name="Took">
                        {record.completed_at === null
                            ? elapsed(between(record.started_at, null))
                            : duration(between(record.started_at, record.completed_at))}
                    </Fact>
                )}
                {record.parent && (
                    <Fact name="Started by">
                        <a href={href(`runs/${record.parent.run_id}`, { stage: record.parent.stage_id })}>stage {record.parent.stage_id}</a> of another run
                    </Fact>
                )}
                {record.generation > 1 && (
                    <Fact name="Generation">
                        {record.generation}{" "}
                        <a href={href("compare", { a: id, ag: String(record.generation - 1), b: id })}>compare with {record.generation - 1}</a>
                    </Fact>
                )}
                {!isZero(record.costs.cost) && (
                    <Fact name={record.costs.budget === null ? "Cost" : "Cost, of its budget"}>
                        <Money amount={record.costs.cost} />
                        {record.costs.budget !== null && (
                            <>
                                {" of "}
                                <Money amount={record.costs.budget} />
                            </>
                        )}
                    </Fact>
                )}
                {children.items.length > 0 && (
                    <Fact name="Started">
                        <button type="button" class="text-link" onClick={() => goTo({ tab: "children" })}>
                            {children.hasMore ? `${children.items.length} or more runs` : plural(children.items.length, "run")}
                        </button>
                    </Fact>
                )}
                {children.costs && children.costs.with_children.cost !== children.costs.own.cost && (
                    <Fact name="Cost with these runs">
                        <Money amount={children.costs.with_children.cost} />
                    </Fact>
                )}
                {record.deadline_at && record.completed_at === null && (
                    <Fact name="Deadline">
                        <span title={full(record.deadline_at)}>{clock(record.deadline_at)}</span> <Ago at={record.deadline_at} />
                    </Fact>
                )}
                <Fact name="Priority">{record.priority}</Fact>
                {Object.entries(detail.tags).map(([key, value]) => (
                    <Fact key={key} name={key}>
                        <a href={href("", { q: `tag:${key}=${value}` })}>{value}</a>
                    </Fact>
                ))}
            </dl>

            {run.layout !== undefined && (
                <section class="card" aria-label="Graph">
                    <Graph
                        layout={run.layout}
                        stages={detail.stages}
                        progress={run.progress}
                        selected={stage}
                        onSelect={onSelect}
                        follows
                    />
                </section>
            )}
            {chosen !== undefined && (
                <StagePanel
                    key={chosen.id}
                    run={id}
                    stage={chosen}
                    asks={forms.has(chosen.id)}
                    started={children.items.filter(({ parent }) => parent?.stage_id === chosen.id && parent.generation === chosen.generation)}
                    isWakeable={valid.includes("wake") && !forms.has(chosen.id) && !awaits.has(chosen.id)}
                    isTerminal={record.completed_at !== null}
                    generation={record.generation}
                    version={run.version}
                    attempt={attempt}
                    onAct={open}
                    onLogs={(number) => goTo({ tab: "logs", attempt: String(number) })}
                    onClose={() => onSelect(undefined)}
                />
            )}

            <Tabs<Tab>
                label="Details of the run"
                value={tab}
                onChange={(next) => goTo({ tab: next === "timeline" ? undefined : next })}
                tabs={[
                    ["timeline", "Timeline"],
                    ["stages", "Stages"],
                    ...(seesPayloads.value
                        ? ([
                              ["logs", "Logs"],
                              ["payloads", "Input and output"],
                          ] as const)
                        : []),
                    ["events", "Events"],
                    ["calls", "Model calls"],
                    ["children", "Started runs"],
                    ...(seesPayloads.value ? ([["notes", "Annotations"]] as const) : []),
                    ["artifacts", "Artifacts"],
                ]}
            >
                {tab === "timeline" &&
                    (timeline === undefined ? (
                        <Loading />
                    ) : (
                        <div class="card card-body">
                            <Timeline timeline={timeline} selected={stage} onSelect={onSelect} />
                        </div>
                    ))}
                {tab === "stages" && <Stages stages={detail.stages} selected={stage} onSelect={onSelect} />}
                {tab === "logs" && seesPayloads.value && (
                    <Logs
                        id={id}
                        stages={detail.stages}
                        stage={stage}
                        attempt={attempt}
                        setFilter={(stage, attempt) => goTo({ stage, attempt: attempt === undefined ? undefined : String(attempt) })}
                        onLog={run.onLog}
                        line={Number(place.get("line")) || undefined}
                    />
                )}
                {tab === "payloads" && seesPayloads.value && (
                    <div class="payloads">
                        <Payload title="Input" path={`${path}/input`} />
                        {record.status === "COMPLETED" && <Payload title="Output" path={`${path}/output`} version={record.generation} />}
                        <Payload title="Configuration" path={`${path}/config`} />
                        <Payload title="Metadata of the caller" path={`${path}/metadata`} />
                    </div>
                )}
                {tab === "events" && <Events id={id} version={run.version} />}
                {tab === "calls" && <Calls id={id} version={run.version} />}
                {tab === "notes" && seesPayloads.value && <Notes id={id} version={run.version} />}
                {tab === "children" && <ChildrenTable id={id} started={children} onSelect={onSelect} />}
                {tab === "artifacts" && <Artifacts id={id} version={run.version} canShow={seesPayloads.value} />}
            </Tabs>
            {act !== undefined && (
                <ActionDialog
                    action={act.action}
                    stage={act.stage}
                    detail={detail}
                    layout={run.layout}
                    onClose={() => setAct(undefined)}
                    onDone={() => {
                        setAct(undefined);
                        run.reload();
                    }}
                />
            )}
        </div>
    );
}

/** What may start runs, or end the wait for one. */
function childrenChange(detail: RunDetail | undefined): string {
    if (detail === undefined) return "";
    const waiting = detail.stages.filter((stage) => stage.status === "SUSPENDED");
    return [detail.run.status, detail.run.generation, ...waiting.map((stage) => stage.id)].join(" ");
}

/** The sentence, with its stage as a button. */
function Said({ text, stage, onSelect }: { text: string; stage: string; onSelect: (stage: string) => void }) {
    const at = text.indexOf(stage);
    if (at < 0) return <>{text}</>;
    return (
        <>
            {text.slice(0, at)}
            <button type="button" class="inline-link" onClick={() => onSelect(stage)}>
                {stage}
            </button>
            {text.slice(at + stage.length)}
        </>
    );
}
