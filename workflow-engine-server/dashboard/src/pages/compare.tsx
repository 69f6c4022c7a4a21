// Two runs, stage by stage, and what differs in what they read and wrote.
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { ApiError, get, segment, send } from "../api/client";
import type { RunDetail, StageView } from "../api/types";
import { href } from "../lib/base";
import { type Difference, difference } from "../lib/difference";
import { type Json, parseExact } from "../lib/exact";
import { useLoad } from "../lib/load";
import { useTitle } from "../lib/title";
import { between, clock, duration } from "../lib/time";
import { Empty, Failure, Loading, Money, shortId } from "../parts/basics";
import { bytes } from "../parts/json";
import { State } from "../parts/state";
import { seesPayloads } from "../session";

export function ComparePage() {
    useTitle("Compare");
    const { url, route } = useLocation();
    const place = new URL(url, location.origin).searchParams;
    const [a, b] = [place.get("a") ?? "", place.get("b") ?? ""];
    const [texts, setTexts] = useState({ a, b });
    const both = useLoad<[RunDetail, RunDetail]>(a === "" || b === "" ? undefined : `${a} ${b}`, (key, signal) => {
        const [first = "", second = ""] = key.split(" ");
        return Promise.all([get<RunDetail>(`/runs/${segment(first)}`, signal), get<RunDetail>(`/runs/${segment(second)}`, signal)]);
    });
    return (
        <div class="page">
            <h1>Compare</h1>
            <form
                class="row compare-form"
                onSubmit={(event) => {
                    event.preventDefault();
                    route(href("compare", { a: texts.a.trim(), b: texts.b.trim() }));
                }}
            >
                {(["a", "b"] as const).map((side) => (
                    <div key={side} class="field grow">
                        <label for={`run-${side}`}>{side === "a" ? "First run" : "Second run"}</label>
                        <input
                            id={`run-${side}`}
                            class="control mono"
                            placeholder="Id of a run"
                            value={texts[side]}
                            onInput={(event) => setTexts({ ...texts, [side]: event.currentTarget.value })}
                        />
                    </div>
                ))}
                <button type="submit" class="button">
                    Compare
                </button>
            </form>
            {both.error && <Failure error={both.error} />}
            {a !== "" && b !== "" && both.data === undefined && !both.error && <Loading />}
            {(a === "" || b === "") && (
                <div class="card">
                    <Empty title="Choose two runs">
                        <p>Select two on the page Runs, or paste their ids here. A fork and its origin make a good pair.</p>
                    </Empty>
                </div>
            )}
            {both.data && <Comparison a={both.data[0]} b={both.data[1]} />}
        </div>
    );
}

function Comparison({ a, b }: { a: RunDetail; b: RunDetail }) {
    const ids = [...new Set([...a.stages, ...b.stages].map((stage) => stage.id))];
    const of = (detail: RunDetail, id: string): StageView | undefined => detail.stages.find((stage) => stage.id === id);
    const longest = Math.max(1, ...[...a.stages, ...b.stages].map((stage) => took(stage) ?? 0));
    return (
        <>
            <div class="two">
                <Head detail={a} />
                <Head detail={b} />
            </div>
            <section class="stack">
                <h2>Stages</h2>
                <div class="card table-box" tabIndex={0} role="group" aria-label="Stages of both runs">
                    <table>
                        <caption class="visually-hidden">Stages of both runs</caption>
                        <thead>
                            <tr>
                                <th>Stage</th>
                                <th>State</th>
                                <th class="meter-cell">Took</th>
                                <th class="end">Difference</th>
                                <th class="end">Attempts</th>
                                <th class="end">Cost</th>
                            </tr>
                        </thead>
                        <tbody>
                            {ids.map((id) => {
                                const pair = [of(a, id), of(b, id)] as const;
                                const [first, second] = [took(pair[0]), took(pair[1])];
                                return (
                                    <tr key={id}>
                                        <td>
                                            <strong>{id}</strong>
                                        </td>
                                        <td>{pair.map((stage, side) => <div key={side}>{stage ? <State of={stage.status} /> : "–"}</div>)}</td>
                                        <td class="meter-cell">
                                            {[first, second].map((ms, side) => (
                                                <div key={side} class="row">
                                                    <span class="num took">{ms === undefined ? "–" : duration(ms)}</span>
                                                    <span class={`bar grow ${side === 0 ? "tone-quiet" : "tone-running"}`}>
                                                        <i style={{ width: `${((ms ?? 0) / longest) * 100}%` }} />
                                                    </span>
                                                </div>
                                            ))}
                                        </td>
                                        <td class="end">{first !== undefined && second !== undefined ? signed(second - first) : ""}</td>
                                        <td class="end">{pair.map((stage, side) => <div key={side}>{stage?.attempt ?? "–"}</div>)}</td>
                                        <td class="end">{pair.map((stage, side) => <div key={side}><Money amount={stage?.costs.cost} /></div>)}</td>
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                </div>
            </section>
            {seesPayloads.value && (
                <section class="stack">
                    <h2>Values</h2>
                    <Values title="Input" a={`/runs/${a.run.id}/input`} b={`/runs/${b.run.id}/input`} />
                    <Values title="Configuration" a={`/runs/${a.run.id}/config`} b={`/runs/${b.run.id}/config`} />
                    {ids
                        .filter((id) => of(a, id)?.has_output && of(b, id)?.has_output)
                        .map((id) => (
                            <Values
                                key={id}
                                title={`Output of ${id}`}
                                a={`/runs/${a.run.id}/stages/${segment(id)}/output`}
                                b={`/runs/${b.run.id}/stages/${segment(id)}/output`}
                            />
                        ))}
                </section>
            )}
        </>
    );
}

const took = (stage: StageView | undefined): number | undefined =>
    stage?.started_at && stage.completed_at ? between(stage.started_at, stage.completed_at) : undefined;

function signed(ms: number): string {
    if (Math.abs(ms) < 1) return "same";
    return `${ms > 0 ? "+" : "−"}${duration(Math.abs(ms))}`;
}

function Head({ detail: { run, tags } }: { detail: RunDetail }) {
    return (
        <div class="card card-body stack">
            <div class="row spread">
                <a class="strong" href={href(`runs/${run.id}`)}>
                    {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
                </a>
                <State of={run.phase} />
            </div>
            <p class="muted">
                {clock(run.created_at)}
                {run.started_at && run.completed_at && `, took ${duration(between(run.started_at, run.completed_at))}`}
                {run.generation > 1 && `, generation ${run.generation}`}
            </p>
            {run.error && <p class="error-line">{run.error.message}</p>}
            <span class="row">
                {Object.entries(tags).map(([key, value]) => (
                    <span key={key} class="tag">
                        <b>{key}</b>
                        {value}
                    </span>
                ))}
            </span>
        </div>
    );
}

/** Larger values are not compared in the browser. */
const MOST = 4 * 1024 * 1024;

async function readBoth(key: string, signal: AbortSignal): Promise<Difference[]> {
    const values = await Promise.all(
        key.split(" ").map(async (path): Promise<Json> => {
            const response = await send(`${path}?preview=${MOST}`, { signal });
            const total = Number(response.headers.get("x-total-bytes") ?? 0);
            if (total > MOST) throw new ApiError(413, "TOO_LARGE", `One of the values has ${bytes(total)}; at most 4 MiB are compared here. Download both instead.`);
            return parseExact(await response.text());
        }),
    );
    return difference(values[0], values[1]);
}

function Values({ title, a, b }: { title: string; a: string; b: string }) {
    const loaded = useLoad<Difference[]>(`${a} ${b}`, readBoth);
    const found = loaded.data;
    return (
        <div class="card">
            <div class="card-head">
                <h3>{title}</h3>
                <span class="muted">{found === undefined ? "" : found.length === 0 ? "the same" : found.length >= 200 ? "200 or more differences" : `${found.length} ${found.length === 1 ? "difference" : "differences"}`}</span>
            </div>
            {loaded.error && <Failure error={loaded.error} />}
            {found !== undefined && found.length > 0 && (
                <div class="table-box" tabIndex={0} role="group" aria-label={`Differences of ${title}`}>
                    <table>
                        <thead>
                            <tr>
                                <th>Place</th>
                                <th>First</th>
                                <th>Second</th>
                            </tr>
                        </thead>
                        <tbody>
                            {found.map((place) => (
                                <tr key={place.pointer}>
                                    <td class="mono">{place.pointer === "" ? "the whole" : place.pointer}</td>
                                    <td class="mono data">{place.a === undefined ? "absent" : cut(place.a)}</td>
                                    <td class="mono data">{place.b === undefined ? "absent" : cut(place.b)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </div>
    );
}

const cut = (text: string): string => (text.length > 400 ? `${text.slice(0, 400)}…` : text);
