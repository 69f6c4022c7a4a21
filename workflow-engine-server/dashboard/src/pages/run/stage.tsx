// One stage of a run: its attempts with their errors, its payloads, and what can be done with it.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { segment } from "../../api/client";
import type { AttemptRecord, Page, RunView, StageView } from "../../api/types";
import { useLoad } from "../../lib/load";
import { between, clock, duration, elapsed, full } from "../../lib/time";
import { isZero, Money, plural } from "../../parts/basics";
import { Payload } from "../../parts/json";
import { lookOf, Mark, State } from "../../parts/state";
import { mayOperate, seesPayloads } from "../../session";
import type { ActionName } from "./actions";
import { RunLink } from "./run-link";

interface Props {
    run: string;
    stage: StageView;
    /** Whether it waits for a signal, and not for its check. */
    asks: boolean;
    isWakeable: boolean;
    /** The runs that it has started. */
    started: RunView[];
    isTerminal: boolean;
    generation: number;
    version: number;
    attempt: number | undefined;
    onAct: (action: ActionName, stage: string) => void;
    onLogs: (attempt: number) => void;
    onClose: () => void;
}

export function StagePanel({ run, stage, asks, isWakeable, started, isTerminal, generation, version, attempt, onAct, onLogs, onClose }: Props) {
    const path = `/runs/${segment(run)}/stages/${segment(stage.id)}`;
    const attempts = useLoad<Page<AttemptRecord>>(`${path}/attempts`);
    useEffect(attempts.reload, [version]);
    const rows = (attempts.data?.items ?? []).filter((record) => !record.is_check || record.outcome !== "waiting");
    return (
        <section class="card stage-panel" aria-label={`Stage ${stage.id}`}>
            <div class="card-head">
                <div class="row">
                    <h2>{stage.id}</h2>
                    <State of={stage.status} />
                    <span class="muted">{stage.name}</span>
                </div>
                <div class="row">
                    {isWakeable && stage.status === "SUSPENDED" && (
                        <button type="button" class="button small" onClick={() => onAct("wake", stage.id)}>
                            Wake…
                        </button>
                    )}
                    {mayOperate.value && isTerminal && stage.status !== "SKIPPED" && (
                        <button type="button" class="button small" onClick={() => onAct("rerun", stage.id)}>
                            Rerun from here…
                        </button>
                    )}
                    {mayOperate.value && stage.status !== "SKIPPED" && (
                        <button type="button" class="button small" onClick={() => onAct("fork", stage.id)}>
                            Fork from here…
                        </button>
                    )}
                    <button type="button" class="button plain small" onClick={onClose}>
                        Close
                    </button>
                </div>
            </div>
            <div class="card-body stack">
                <dl class="facts">
                    <Fact name="Attempts">{stage.attempt}</Fact>
                    {stage.started_at && <Fact name="Began">{clock(stage.started_at)}</Fact>}
                    {stage.started_at && (
                        <Fact name="Took">
                            {stage.completed_at === null
                                ? elapsed(between(stage.started_at, null))
                                : duration(between(stage.started_at, stage.completed_at))}
                        </Fact>
                    )}
                    {stage.waiting_on > 0 && stage.status !== "SKIPPED" && <Fact name="Waits on">{plural(stage.waiting_on, "stage")}</Fact>}
                    {stage.max_wait_until && <Fact name="Times out">{clock(stage.max_wait_until)}</Fact>}
                    {!isZero(stage.costs.cost) && (
                        <Fact name="Cost">
                            <Money amount={stage.costs.cost} />
                        </Fact>
                    )}
                    {stage.costs.budget !== null && (
                        <Fact name="Budget">
                            <Money amount={stage.costs.budget} />
                        </Fact>
                    )}
                    {Object.entries(stage.metrics).map(([name, value]) => (
                        <Fact key={name} name={name}>
                            {String(value)}
                        </Fact>
                    ))}
                </dl>
                {stage.status === "SKIPPED" && (
                    <p class="muted">It did not run: another arm was taken, or a failure before it was caught.</p>
                )}
                {started.length > 0 && (
                    <p class="row">
                        <span class="muted">Has started</span>
                        {started.slice(0, 10).map((child) => (
                            <span key={child.id} class="row">
                                <RunLink run={child} />
                                <State of={child.phase} />
                            </span>
                        ))}
                        {started.length > 10 && <span class="muted">and {plural(started.length - 10, "more run")}</span>}
                    </p>
                )}
                {rows.length > 0 && (
                    <ol class="attempts">
                        {rows.map((record) => (
                            <Attempt
                                key={`${record.generation} ${record.number} ${record.is_check} ${record.started_at}`}
                                record={record}
                                isOld={record.generation !== generation}
                                isLinked={attempt === record.number && record.generation === generation}
                                onLogs={onLogs}
                            />
                        ))}
                    </ol>
                )}
                {seesPayloads.value && stage.has_output && (
                    <Payload title="Output" path={`${path}/output`} version={`${stage.completed_at} ${stage.generation}`} />
                )}
                {seesPayloads.value && stage.has_ticket && <Payload title={asks ? "Question" : "Ticket"} path={`${path}/ticket`} />}
                {seesPayloads.value && stage.status !== "SKIPPED" && <Payload title="Configuration" path={`${path}/config`} />}
            </div>
        </section>
    );
}

interface AttemptProps {
    record: AttemptRecord;
    isOld: boolean;
    isLinked: boolean;
    onLogs: (attempt: number) => void;
}

function Attempt({ record, isOld, isLinked, onLogs }: AttemptProps) {
    const look = lookOf(record.outcome);
    return (
        <li class={`attempt-row tone-${look.tone}${isLinked ? " linked" : ""}`}>
            <div class="row">
                <span class="state">
                    <Mark shape={look.shape} />
                    {record.is_check ? "Check" : "Attempt"} {record.number}
                </span>
                <span>{look.word.toLowerCase()}</span>
                {isOld && <span class="tag">generation {record.generation}</span>}
                {record.started_at && (
                    <time class="muted num" dateTime={record.started_at} title={full(record.started_at)}>
                        {clock(record.started_at)}
                    </time>
                )}
                {record.started_at && record.ended_at && (
                    <span class="muted num">{duration(between(record.started_at, record.ended_at))}</span>
                )}
                {record.worker_id !== null && <span class="muted ellipsis">by {record.worker_id}</span>}
                {!isZero(record.cost) && <Money amount={record.cost} />}
                {seesPayloads.value && (
                    <button type="button" class="button plain small" onClick={() => onLogs(record.number)}>
                        Logs
                    </button>
                )}
            </div>
            {record.error !== null && <ErrorChain text={record.error} />}
        </li>
    );
}

/** An error and its causes, one below the other. */
export function ErrorChain({ text }: { text: string }) {
    const [first, ...causes] = text.split(/: (?=\S)/);
    // A text with colons of its own is not a chain.
    const isChain = causes.length > 0 && causes.length < 6 && !/https?:\/\//.test(text);
    if (!isChain) return <pre class="error-text">{text}</pre>;
    return (
        <div class="error-text">
            <p>{first}</p>
            <ul>
                {causes.map((cause, index) => (
                    <li key={index}>{cause}</li>
                ))}
            </ul>
        </div>
    );
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
    return (
        <div>
            <dt>{name}</dt>
            <dd>{children}</dd>
        </div>
    );
}
