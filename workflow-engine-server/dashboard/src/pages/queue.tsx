// What is due, what waits, who works, and what no process can take.
import type { Page, QueueOverview, WorkerStatus, WorkflowQueue, WorkflowView } from "../api/types";
import { href } from "../lib/base";
import { useEvery, useLoad } from "../lib/load";
import { useTitle } from "../lib/title";
import { clock } from "../lib/time";
import { Ago, Empty, Failure, Loading, plural } from "../parts/basics";
import { State } from "../parts/state";

const COUNTS = [
    ["ready", "Ready", "due now, and waits for a slot", "quiet"],
    ["leased", "Leased", "a worker executes it", "running"],
    ["scheduled", "Scheduled", "due later: a retry", "waiting"],
    ["waiting", "Waiting", "for something outside", "waiting"],
    ["dead", "Dead", "failed for good; a rerun revives it", "failed"],
] as const;

const CODE = `fn main() -> std::process::ExitCode {
    workflow_engine_cli::run(|engine| engine.register::<Ordering>())
}

$ orders worker`;

export function QueuePage() {
    useTitle("Queue and workers");
    const queue = useLoad<QueueOverview>("/queue");
    const workers = useLoad<Page<WorkerStatus>>("/workers?limit=200");
    const workflows = useLoad<Page<WorkflowView>>("/workflows");
    useEvery(2_000, queue.reload);
    useEvery(2_000, workers.reload);
    useEvery(5_000, workflows.reload);
    const error = queue.error ?? workers.error;
    if (error && queue.data === undefined) return <Failure error={error} retry={queue.reload} />;
    if (queue.data === undefined) return <Loading lines={8} />;
    const stuck = (workflows.data?.items ?? []).flatMap((workflow) =>
        workflow.versions
            .filter((version) => !version.is_executable && version.pending + version.running > 0)
            .map((version) => ({ id: workflow.id, ...version })),
    );
    const { total } = queue.data;
    return (
        <div class="page">
            <h1>Queue and workers</h1>
            <dl class="figures">
                {COUNTS.map(([key, name, about, tone]) => (
                    <div key={key} class={`figure tone-${tone}`} data-none={String(total[key] === 0)}>
                        <dt>{name}</dt>
                        <dd class="num">
                            {total[key].toLocaleString("en")}
                            {!queue.data?.is_exact && total[key] > 0 && "+"}
                        </dd>
                        <dd class="help">{about}</dd>
                    </div>
                ))}
            </dl>
            {stuck.length > 0 && (
                <section class="problem" role="status">
                    <strong>Runs that no process can take</strong>
                    {stuck.map((version) => (
                        <p key={version.fingerprint}>
                            {plural(version.pending + version.running, "run")} of{" "}
                            <a href={href("", { q: `definition:${version.fingerprint}` })}>
                                {version.id}, version {version.version}
                            </a>
                            : no process that is alive has registered the definition <code>{version.fingerprint.slice(0, 12)}</code>. Start one with
                            that code; the runs continue by themselves.
                        </p>
                    ))}
                </section>
            )}
            <section class="stack">
                <h2>By workflow</h2>
                {queue.data.workflows.length === 0 ? (
                    <div class="card">
                        <Empty title="Nothing is queued" />
                    </div>
                ) : (
                    <ByWorkflow workflows={queue.data.workflows} />
                )}
            </section>
            <section class="stack">
                <h2>Workers</h2>
                <Workers workers={workers.data?.items} workflows={workflows.data?.items} />
            </section>
        </div>
    );
}

function ByWorkflow({ workflows }: { workflows: WorkflowQueue[] }) {
    return (
        <div class="card table-box" tabIndex={0} role="group" aria-label="The queue by workflow">
            <table>
                <caption class="visually-hidden">The queue by workflow</caption>
                <thead>
                    <tr>
                        <th>Workflow</th>
                        {COUNTS.map(([key, name]) => (
                            <th key={key} class="end">
                                {name}
                            </th>
                        ))}
                        <th class="end">Oldest that is ready</th>
                    </tr>
                </thead>
                <tbody>
                    {workflows.map((workflow) => (
                        <tr key={workflow.workflow_id}>
                            <td>
                                <a href={href("", { q: `workflow:${workflow.workflow_id}` })}>{workflow.workflow_id}</a>
                            </td>
                            {COUNTS.map(([key]) => (
                                <td key={key} class="end">
                                    {workflow[key] === 0 ? <span class="muted">0</span> : workflow[key].toLocaleString("en")}
                                </td>
                            ))}
                            <td class="end">{workflow.oldest_ready ? <Ago at={workflow.oldest_ready} /> : <span class="muted">–</span>}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

interface WorkersProps {
    workers: WorkerStatus[] | undefined;
    workflows: WorkflowView[] | undefined;
}

function Workers({ workers, workflows }: WorkersProps) {
    if (workers === undefined) return <Loading lines={3} />;
    if (workers.length === 0) {
        return (
            <div class="card">
                <Empty title="No worker has started yet" code={CODE} />
            </div>
        );
    }
    const names = new Map((workflows ?? []).flatMap(({ id, versions }) => versions.map((version) => [version.fingerprint, id] as const)));
    const order = ["running", "unknown", "gone", "drained"];
    const sorted = [...workers].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || b.number - a.number);
    return (
        <div class="card table-box" tabIndex={0} role="group" aria-label="Workers">
            <table>
                <caption class="visually-hidden">Workers</caption>
                <thead>
                    <tr>
                        <th>State</th>
                        <th>Worker</th>
                        <th>Host</th>
                        <th>Workflows</th>
                        <th class="meter-cell">Jobs held</th>
                        <th class="end">Leases until</th>
                        <th class="end">Started</th>
                    </tr>
                </thead>
                <tbody>
                    {sorted.map((worker) => (
                        <tr key={worker.number}>
                            <td>
                                <State of={worker.state === "running" ? "completed" : worker.state} word={WORDS[worker.state]} />
                            </td>
                            <td>
                                <span class="mono">#{worker.number}</span> <span class="ellipsis muted worker-id" title={worker.id}>{worker.id}</span>
                            </td>
                            <td>
                                {worker.host} <span class="muted">{worker.version}</span>
                            </td>
                            <td>{[...new Set(worker.definitions.map((known) => names.get(known) ?? known.slice(0, 8)))].join(", ")}</td>
                            <td class="meter-cell">
                                <span class="row">
                                    <span class="num nowrap" title={`At most ${worker.concurrency} bodies run at the same time`}>
                                        {worker.leases} / {worker.concurrency}
                                    </span>
                                    <span class="bar tone-running grow">
                                        <i style={{ width: `${Math.min(100, (worker.leases / Math.max(1, worker.concurrency)) * 100)}%` }} />
                                    </span>
                                </span>
                            </td>
                            <td class="end">{worker.leased_until ? clock(worker.leased_until) : <span class="muted">–</span>}</td>
                            <td class="end">
                                <Ago at={worker.started_at} />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

const WORDS: Record<WorkerStatus["state"], string> = { running: "Alive", drained: "Drained", gone: "Gone", unknown: "Unknown" };
