// One workflow: what it is, how long its stages take, and which versions are in use.
import { useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { segment } from "../../api/client";
import type { Layout, StageTimes, VersionView, WorkflowDetail } from "../../api/types";
import type { Schema } from "../../form/schema";
import { href } from "../../lib/base";
import { write } from "../../lib/exact";
import { useLoad } from "../../lib/load";
import { useTitle } from "../../lib/title";
import { duration } from "../../lib/time";
import { Ago, Failure, Loading, plural } from "../../parts/basics";
import { JsonText } from "../../parts/json";
import { State } from "../../parts/state";
import { Tabs } from "../../parts/tabs";
import { mayOperate } from "../../session";
import { Graph } from "../run/graph";

export interface Definition {
    id: string;
    name: string;
    description?: string;
    version: number;
    fingerprint: string;
    input_schema: Schema;
    output_schema?: Schema;
    config_schema: Schema;
    deadline_ms?: number | null;
    stages: DefinedStage[];
}

interface DefinedStage {
    id: string;
    name: string;
    description?: string;
    [key: string]: unknown;
}

type Tab = "stages" | "input" | "output" | "config";

export function WorkflowPage() {
    const { params } = useRoute();
    const id = params.id ?? "";
    useTitle(id);
    const workflow = useLoad<WorkflowDetail>(`/workflows/${segment(id)}`);
    const times = useLoad<StageTimes>(`/workflows/${segment(id)}/statistics`);
    const definition = workflow.data?.definition as Definition | undefined;
    const layout = useLoad<Layout>(definition && `/definitions/${segment(definition.fingerprint)}/layout`);
    const [tab, setTab] = useState<Tab>("stages");
    const [stage, setStage] = useState<string | undefined>(undefined);
    if (workflow.error) return <Failure error={workflow.error} retry={workflow.reload} />;
    if (workflow.data === undefined || definition === undefined) return <Loading lines={8} />;
    return (
        <div class="page">
            <header class="page-head">
                <div>
                    <p class="crumbs">
                        <a href={href("workflows")}>Workflows</a>
                    </p>
                    <h1>{id}</h1>
                    {definition.description && <p class="lead">{definition.description}</p>}
                </div>
                <div class="row">
                    <a class="button" href={href("", { q: `workflow:${id}` })}>
                        Runs
                    </a>
                    {mayOperate.value && (
                        <a class="button primary" href={href(`workflows/${segment(id)}/start`)}>
                            Start a run
                        </a>
                    )}
                </div>
            </header>
            {layout.data && (
                <section class="card" aria-label="Graph">
                    <Graph layout={layout.data} selected={stage} onSelect={setStage} />
                </section>
            )}
            <Tabs<Tab>
                label="Details of the workflow"
                value={tab}
                onChange={setTab}
                tabs={[
                    ["stages", "Stages"],
                    ["input", "Input"],
                    ["output", "Output"],
                    ["config", "Configuration"],
                ]}
            >
                {tab === "stages" && <StageTable stages={definition.stages} times={times.data} selected={stage} />}
                {tab === "input" && <JsonText text={write(definition.input_schema)} />}
                {tab === "output" && <JsonText text={write(definition.output_schema ?? null)} />}
                {tab === "config" && <JsonText text={write(definition.config_schema)} />}
            </Tabs>
            <Versions versions={workflow.data.versions} />
        </div>
    );
}

interface TableProps {
    stages: DefinedStage[];
    times: StageTimes | undefined;
    selected: string | undefined;
}

function StageTable({ stages, times, selected }: TableProps) {
    const byId = new Map(times?.stages.map((time) => [time.stage_id, time]));
    const slowest = Math.max(1, ...(times?.stages.map((time) => time.p95_ms ?? 0) ?? []));
    return (
        <div class="stack">
            <div class="card table-box" tabIndex={0} role="group" aria-label="Stages with their times">
                <table>
                    <caption class="visually-hidden">Stages with their times</caption>
                    <thead>
                        <tr>
                            <th>Stage</th>
                            <th class="end">Half within</th>
                            <th class="end">95 % within</th>
                            <th class="meter-cell">
                                <span class="visually-hidden">Compared</span>
                            </th>
                            <th class="end">Completed</th>
                            <th class="end">Retried</th>
                            <th class="end">Failed</th>
                        </tr>
                    </thead>
                    <tbody>
                        {stages.map((stage) => {
                            const time = byId.get(stage.id);
                            return (
                                <tr key={stage.id} aria-selected={stage.id === selected}>
                                    <td>
                                        <strong>{stage.id}</strong>
                                        {stage.description && <div class="help">{stage.description}</div>}
                                    </td>
                                    <td class="end">{time?.p50_ms === null || time === undefined ? "–" : duration(time.p50_ms)}</td>
                                    <td class="end">{time?.p95_ms === null || time === undefined ? "–" : duration(time.p95_ms)}</td>
                                    <td class="meter-cell">
                                        <span class="bar tone-running">
                                            <i style={{ width: `${((time?.p95_ms ?? 0) / slowest) * 100}%` }} />
                                        </span>
                                    </td>
                                    <td class="end">{time?.completed.toLocaleString("en") ?? "–"}</td>
                                    <td class="end">{share(time?.retried, time)}</td>
                                    <td class="end">{share(time?.failed, time)}</td>
                                </tr>
                            );
                        })}
                    </tbody>
                </table>
            </div>
            {times && <p class="muted">Of the newest {plural(times.runs, "run")}.</p>}
        </div>
    );
}

function share(count: number | undefined, time: { completed: number; failed: number } | undefined) {
    if (count === undefined || time === undefined) return "–";
    if (count === 0) return <span class="muted">0</span>;
    const all = time.completed + time.failed;
    return all === 0 ? String(count) : `${count.toLocaleString("en")} (${Math.round((count / all) * 100)} %)`;
}

function Versions({ versions }: { versions: VersionView[] }) {
    return (
        <section class="stack">
            <h2>Versions</h2>
            <div class="card table-box" tabIndex={0} role="group" aria-label="Versions">
                <table>
                    <caption class="visually-hidden">Versions, newest first</caption>
                    <thead>
                        <tr>
                            <th>Version</th>
                            <th>Definition</th>
                            <th>Workers</th>
                            <th class="end">Queued</th>
                            <th class="end">Unfinished</th>
                            <th class="end">Oldest of them</th>
                            <th class="end">First seen</th>
                        </tr>
                    </thead>
                    <tbody>
                        {versions.map((version) => (
                            <tr key={version.fingerprint}>
                                <td>{version.version}</td>
                                <td>
                                    <a class="mono" href={href("", { q: `definition:${version.fingerprint}` })} title={version.fingerprint}>
                                        {version.fingerprint.slice(0, 12)}
                                    </a>
                                </td>
                                <td>
                                    <State
                                        of={version.is_executable ? "completed" : version.running + version.pending > 0 ? "failed" : "unknown"}
                                        word={version.is_executable ? "Some process runs it" : "No process runs it"}
                                    />
                                </td>
                                <td class="end">{version.pending.toLocaleString("en")}</td>
                                <td class="end">
                                    {version.running.toLocaleString("en")}
                                    {!version.is_exact && "+"}
                                </td>
                                <td class="end">{version.oldest ? <Ago at={version.oldest} /> : "–"}</td>
                                <td class="end">
                                    <Ago at={version.first_seen_at} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

