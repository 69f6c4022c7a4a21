// What the calls of models have cost, by time, workflow, stage and model.
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { query } from "../api/client";
import type { CostGroup, CostReport, ListedRun, Page } from "../api/types";
import { href } from "../lib/base";
import { csv, save } from "../lib/files";
import { useEvery, useLoad } from "../lib/load";
import { useTitle } from "../lib/title";
import { clock } from "../lib/time";
import { Ago, Empty, Failure, Loading, Money, plural, shortId } from "../parts/basics";
import { State } from "../parts/state";

const RANGES = [
    ["1", "24 hours"],
    ["7", "7 days"],
    ["30", "30 days"],
    ["365", "A year"],
] as const;

const KEYS = ["workflow", "stage", "model"] as const;
type Key = (typeof KEYS)[number];

const CODE = `let summary = ctx.ai().generate_text("gemini-2.5-flash", text).await?;
// Each call is kept with its cost, before it leaves.`;

export function CostsPage() {
    useTitle("Costs");
    const { url, route } = useLocation();
    const place = new URL(url, location.origin).searchParams;
    const days = RANGES.some(([known]) => known === place.get("days")) ? (place.get("days") ?? "7") : "7";
    const by = KEYS.filter((key) => (place.get("by") ?? "workflow,model").split(",").includes(key));
    // Whole hours: what is read begins with one anyway.
    const from = new Date(Math.floor(Date.now() / 3_600_000 - Number(days) * 24) * 3_600_000).toISOString();
    const time = days === "1" ? "hour" : "day";
    const over = useLoad<CostReport>(`/costs${query({ from, by: time })}`);
    const groups = useLoad<CostReport>(`/costs${query({ from, by: by.join(",") })}`);
    const expensive = useLoad<Page<ListedRun>>(`/runs/most-expensive${query({ created_after: from, limit: 10 })}`);
    useEvery(10_000, over.reload);
    useEvery(10_000, expensive.reload);
    useEvery(10_000, groups.reload);
    const go = (changes: Record<string, string>): void => route(href("costs", { days, by: by.join(","), ...changes }));
    const error = over.error ?? groups.error;
    const total = over.data?.total;
    const unfinished = over.data?.unfinished;
    return (
        <div class="page">
            <header class="page-head">
                <h1>Costs</h1>
                <div class="row" role="group" aria-label="Time">
                    {RANGES.map(([value, name]) => (
                        <button key={value} type="button" class="button small" aria-pressed={value === days} onClick={() => go({ days: value })}>
                            {name}
                        </button>
                    ))}
                </div>
            </header>
            {error && over.data === undefined && <Failure error={error} retry={over.reload} />}
            {total === undefined && !error && <Loading />}
            {total !== undefined && total.calls === 0 && (
                <div class="card">
                    <Empty title="No model was called in this time" code={CODE} />
                </div>
            )}
            {total !== undefined && total.calls > 0 && (
                <>
                    <dl class="figures">
                        <Figure name="Spent" about={`${plural(total.calls, "call")}, ${total.failed_calls.toLocaleString("en")} refused`}>
                            <Money amount={total.cost} />
                        </Figure>
                        <Figure name="Reserved" about={`${plural(total.pending_calls, "call")} in progress, at most`}>
                            <Money amount={total.reserved} />
                        </Figure>
                        <Figure name="Unknown" about={`${plural(total.unknown_calls, "call")} without an answer, at most`}>
                            <Money amount={total.unknown_cost} />
                        </Figure>
                        {unfinished && (
                            <Figure name="Of unfinished runs" about={`${plural(unfinished.runs, "run")}${unfinished.is_exact ? "" : " or more"}, so far`}>
                                <Money amount={unfinished.cost} />
                            </Figure>
                        )}
                    </dl>
                    <section class="card">
                        <div class="card-head">
                            <h2>By {time}</h2>
                            <span class="muted">{time === "day" ? "Days in UTC" : "Hours in UTC"}</span>
                        </div>
                        <div class="card-body">
                            <Bars groups={over.data?.groups ?? []} isHourly={time === "hour"} />
                        </div>
                    </section>
                    <section class="stack">
                        <div class="row spread">
                            <h2>Where it goes</h2>
                            <div class="row">
                                {KEYS.map((key) => (
                                    <button
                                        key={key}
                                        type="button"
                                        class="button small"
                                        aria-pressed={by.includes(key)}
                                        disabled={by.length === 1 && by.includes(key)}
                                        onClick={() => go({ by: KEYS.filter((other) => by.includes(other) !== (other === key)).join(",") })}
                                    >
                                        By {key}
                                    </button>
                                ))}
                                <button type="button" class="button small" onClick={() => save("costs.csv", "text/csv", toCsv(groups.data?.groups ?? [], by))}>
                                    CSV
                                </button>
                            </div>
                        </div>
                        {groups.data === undefined ? <Loading /> : <Groups report={groups.data} by={by} />}
                    </section>
                    {expensive.data !== undefined && expensive.data.items.length > 0 && <Expensive page={expensive.data} />}
                </>
            )}
        </div>
    );
}

const amount = (text: string): number => Number(text.replace(/ USD$/, ""));

function Figure({ name, about, children }: { name: string; about: string; children: ComponentChildren }) {
    return (
        <div class="figure">
            <dt>{name}</dt>
            <dd class="num">{children}</dd>
            <dd class="help">{about}</dd>
        </div>
    );
}

/** Bars over time; the table beside them has the same for everyone. */
function Bars({ groups, isHourly }: { groups: CostGroup[]; isHourly: boolean }) {
    const most = Math.max(...groups.map((group) => amount(group.cost)), Number.MIN_VALUE);
    const label = (at: string | null): string => (isHourly ? `${(at ?? "").slice(11, 13)}:00` : (at ?? "").slice(5, 10));
    return (
        <div class="chart">
            <div class="columns" aria-hidden="true">
                {groups.map((group) => (
                    <div key={group.at} class="column" title={`${label(group.at)}: ${group.cost}`}>
                        <i style={{ height: `${(amount(group.cost) / most) * 100}%` }} />
                        <span class="num">{label(group.at)}</span>
                    </div>
                ))}
            </div>
            <details>
                <summary>As a table</summary>
                <table>
                    <caption class="visually-hidden">Costs over time</caption>
                    <thead>
                        <tr>
                            <th>{isHourly ? "Hour" : "Day"}</th>
                            <th class="end">Calls</th>
                            <th class="end">Cost</th>
                        </tr>
                    </thead>
                    <tbody>
                        {groups.map((group) => (
                            <tr key={group.at}>
                                <td class="num">{(group.at ?? "").slice(0, isHourly ? 16 : 10).replace("T", " ")}</td>
                                <td class="end">{group.calls.toLocaleString("en")}</td>
                                <td class="end">
                                    <Money amount={group.cost} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </details>
        </div>
    );
}

/** The runs that have cost the most, of those that began in this time. */
function Expensive({ page: { items, searched_to: searchedTo } }: { page: Page<ListedRun> }) {
    const most = Math.max(amount(items[0]?.costs.cost ?? "0"), Number.MIN_VALUE);
    return (
        <section class="stack">
            <div class="row spread">
                <h2>Most expensive runs</h2>
                <span class="muted">{searchedTo ? `Of those since ${clock(searchedTo)}, as far as the time allowed` : "Of those that began in this time"}</span>
            </div>
            <div class="card table-box" tabIndex={0} role="group" aria-label="Most expensive runs">
                <table>
                    <caption class="visually-hidden">Most expensive runs</caption>
                    <thead>
                        <tr>
                            <th>Run</th>
                            <th>State</th>
                            <th class="end">Cost</th>
                            <th class="meter-cell">
                                <span class="visually-hidden">Compared</span>
                            </th>
                            <th class="end">Budget</th>
                            <th class="end">Created</th>
                        </tr>
                    </thead>
                    <tbody>
                        {items.map((run) => (
                            <tr key={run.id}>
                                <td class="nowrap">
                                    <a href={href(`runs/${run.id}`, { tab: "calls" })}>
                                        {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
                                    </a>
                                </td>
                                <td>
                                    <State of={run.phase} />
                                </td>
                                <td class="end">
                                    <Money amount={run.costs.cost} />
                                </td>
                                <td class="meter-cell">
                                    <span class="bar">
                                        <i style={{ width: `${(amount(run.costs.cost) / most) * 100}%` }} />
                                    </span>
                                </td>
                                <td class="end">
                                    <Money amount={run.costs.budget} />
                                </td>
                                <td class="end">
                                    <Ago at={run.created_at} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </section>
    );
}

const valueOf = (group: CostGroup, key: Key): string | null =>
    key === "workflow" ? group.workflow_id : key === "stage" ? group.stage_id : group.model_key;

function Groups({ report, by }: { report: CostReport; by: Key[] }) {
    const sorted = [...report.groups].sort((a, b) => amount(b.cost) - amount(a.cost));
    const most = Math.max(amount(sorted[0]?.cost ?? "0"), Number.MIN_VALUE);
    return (
        <>
            <div class="card table-box" tabIndex={0} role="group" aria-label="Costs, the highest first">
                <table>
                    <caption class="visually-hidden">Costs, the highest first</caption>
                    <thead>
                        <tr>
                            {by.map((key) => (
                                <th key={key}>{key[0]?.toUpperCase() + key.slice(1)}</th>
                            ))}
                            <th class="end">Cost</th>
                            <th class="meter-cell">
                                <span class="visually-hidden">Compared</span>
                            </th>
                            <th class="end">Calls</th>
                            <th class="end">Tokens in</th>
                            <th class="end">out</th>
                            <th class="end">Reserved</th>
                            <th class="end">Unknown</th>
                        </tr>
                    </thead>
                    <tbody>
                        {sorted.slice(0, 500).map((group) => (
                            <tr key={by.map((key) => valueOf(group, key)).join(" ")}>
                                {by.map((key) => (
                                    <td key={key}>
                                        {key === "workflow" && group.workflow_id ? (
                                            <a href={href("", { q: `workflow:${group.workflow_id}` })}>{group.workflow_id}</a>
                                        ) : (
                                            (valueOf(group, key) ?? <span class="muted">outside of runs</span>)
                                        )}
                                    </td>
                                ))}
                                <td class="end">
                                    <Money amount={group.cost} />
                                </td>
                                <td class="meter-cell">
                                    <span class="bar">
                                        <i style={{ width: `${(amount(group.cost) / most) * 100}%` }} />
                                    </span>
                                </td>
                                <td class="end">{group.calls.toLocaleString("en")}</td>
                                <td class="end">{group.input_tokens.toLocaleString("en")}</td>
                                <td class="end">{group.output_tokens.toLocaleString("en")}</td>
                                <td class="end">
                                    <Money amount={group.reserved} />
                                </td>
                                <td class="end">
                                    <Money amount={group.unknown_cost} />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {(!report.is_complete || sorted.length > 500) && <p class="muted">There are more groups; the totals above are complete.</p>}
        </>
    );
}

function toCsv(groups: CostGroup[], by: Key[]): string {
    const names = ["calls", "failed_calls", "input_tokens", "cached_input_tokens", "output_tokens", "cost", "reserved", "unknown_cost"] as const;
    return csv([[...by, ...names], ...groups.map((group) => [...by.map((key) => valueOf(group, key) ?? ""), ...names.map((name) => String(group[name]))])]);
}
