// Two runs, or two generations of one, stage by stage, and what differs in what they read and wrote.
import { useCallback, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { segment } from "../../api/client";
import { href } from "../../lib/base";
import { useLoad } from "../../lib/load";
import { useTitle } from "../../lib/title";
import { between, clock, duration } from "../../lib/time";
import { Empty, Failure, isZero, Loading, Money, shortId } from "../../parts/basics";
import { State } from "../../parts/state";
import { seesPayloads } from "../../session";
import { readSide, type Side, type SideStage } from "./side";
import { counted, Values } from "./values";

export function ComparePage() {
    useTitle("Compare");
    const { url, route } = useLocation();
    const place = new URL(url, location.origin).searchParams;
    const [a, b] = [place.get("a") ?? "", place.get("b") ?? ""];
    const [texts, setTexts] = useState({ a, b });
    const [shown, setShown] = useState(`${a} ${b}`);
    if (shown !== `${a} ${b}`) {
        setShown(`${a} ${b}`);
        setTexts({ a, b });
    }
    const [generationA, generationB] = [Number(place.get("ag")) || 0, Number(place.get("bg")) || 0];
    const hasBoth = a !== "" && b !== "";
    const both = useLoad<[Side, Side]>(hasBoth ? `${a} ${generationA} ${b} ${generationB}` : undefined, (key, signal) => {
        const [first = "", ofFirst = "", second = "", ofSecond = ""] = key.split(" ");
        return Promise.all([
            readSide(first, Number(ofFirst) || undefined, signal),
            readSide(second, Number(ofSecond) || undefined, signal),
        ]);
    });
    const choose = (side: "ag" | "bg", generation: string): void =>
        route(href("compare", { ...Object.fromEntries(place), [side]: generation }), true);
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
            {hasBoth && both.data === undefined && !both.error && <Loading />}
            {!hasBoth && (
                <div class="card">
                    <Empty title="Choose two runs">
                        <p>
                            Select two on the page Runs, or paste their ids here. A fork and its origin make a good pair, and so do two
                            generations of one run.
                        </p>
                    </Empty>
                </div>
            )}
            {both.data && <Comparison key={`${a} ${generationA} ${b} ${generationB}`} a={both.data[0]} b={both.data[1]} onChoose={choose} />}
        </div>
    );
}

interface ComparisonProps {
    a: Side;
    b: Side;
    onChoose: (side: "ag" | "bg", generation: string) => void;
}

function Comparison({ a, b, onChoose }: ComparisonProps) {
    const ids = [...new Set([...a.stages.keys(), ...b.stages.keys()])];
    const longest = Math.max(1, ...[...a.stages.values(), ...b.stages.values()].map((stage) => stage.milliseconds ?? 0));
    const [found, setFound] = useState<ReadonlyMap<string, number>>(new Map());
    const onFound = useCallback((title: string, count: number) => setFound((old) => new Map(old).set(title, count)), []);
    const isOneRun = a.detail.run.id === b.detail.run.id;
    // A kept output is one output: there is nothing to compare.
    const isKept = (id: string): boolean => isOneRun && a.stages.get(id)?.generation === b.stages.get(id)?.generation;
    const outputs = ids.filter((id) => a.stages.get(id)?.hasOutput && b.stages.get(id)?.hasOutput && !isKept(id));
    const replaced = ids.filter((id) => isOneRun && !isKept(id) && !outputs.includes(id) && a.stages.get(id)?.state.toUpperCase() === "COMPLETED");
    const path = (side: Side): string => `/runs/${segment(side.detail.run.id)}`;
    return (
        <>
            <div class="two">
                <Head side={a} onChoose={(generation) => onChoose("ag", generation)} label="Generation of the first run" />
                <Head side={b} onChoose={(generation) => onChoose("bg", generation)} label="Generation of the second run" />
            </div>
            <Summary a={a} b={b} ids={ids} found={found} outputs={outputs} />
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
                            {ids.map((id) => (
                                <Row key={id} id={id} pair={[a.stages.get(id), b.stages.get(id)]} longest={longest} isKept={isKept(id)} />
                            ))}
                        </tbody>
                    </table>
                </div>
            </section>
            {seesPayloads.value && (
                <section class="stack">
                    <h2>Values</h2>
                    {isOneRun ? (
                        <p class="muted">A rerun keeps input and configuration.</p>
                    ) : (
                        <>
                            <Values title="Input" a={`${path(a)}/input`} b={`${path(b)}/input`} onFound={onFound} />
                            <Values title="Configuration" a={`${path(a)}/config`} b={`${path(b)}/config`} onFound={onFound} />
                        </>
                    )}
                    {outputs.map((id) => (
                        <Values
                            key={id}
                            title={`Output of ${id}`}
                            a={`${path(a)}/stages/${segment(id)}/output`}
                            b={`${path(b)}/stages/${segment(id)}/output`}
                            onFound={onFound}
                        />
                    ))}
                    {replaced.length > 0 && (
                        <p class="muted">A later generation has replaced the earlier output of {replaced.join(", ")}: the store keeps the newest one.</p>
                    )}
                </section>
            )}
        </>
    );
}

interface SummaryProps {
    a: Side;
    b: Side;
    ids: string[];
    found: ReadonlyMap<string, number>;
    outputs: string[];
}

/** What differs, in a line each. */
function Summary({ a, b, ids, found, outputs }: SummaryProps) {
    const [first, second] = [length(a), length(b)];
    const states = ids.filter((id) => a.stages.get(id)?.state.toUpperCase() !== b.stages.get(id)?.state.toUpperCase());
    const changed = outputs.filter((id) => (found.get(`Output of ${id}`) ?? 0) > 0);
    const [input, config] = [found.get("Input"), found.get("Configuration")];
    return (
        <section class="stack" aria-labelledby="what-differs">
            <h2 id="what-differs">What differs</h2>
            <dl class="figures">
                {input !== undefined && <Differs name="Input" isSame={input === 0} says={counted(input)} />}
                {config !== undefined && <Differs name="Configuration" isSame={config === 0} says={counted(config)} />}
                {outputs.length > 0 && outputs.every((id) => found.has(`Output of ${id}`)) && (
                    <Differs name="Outputs" isSame={changed.length === 0} says={changed.length === 0 ? "the same" : `of ${changed.join(", ")}`} />
                )}
                <Differs name="States" isSame={states.length === 0} says={states.length === 0 ? "the same" : `of ${states.join(", ")}`} />
                {first !== undefined && second !== undefined && (
                    <Differs name="Time" isSame={Math.abs(second - first) < 1} says={signed(second - first)} />
                )}
                <Differs
                    name="Cost"
                    isSame={a.cost === b.cost}
                    says={a.cost === b.cost ? "the same" : `${b.cost > a.cost ? "+" : "−"}$${Number(Math.abs(b.cost - a.cost).toPrecision(4))}`}
                />
            </dl>
        </section>
    );
}

function Differs({ name, isSame, says }: { name: string; isSame: boolean; says: string }) {
    return (
        <div class="figure differs" data-none={String(isSame)}>
            <dt>{name}</dt>
            <dd>{says}</dd>
        </div>
    );
}

const length = (side: Side): number | undefined => (side.startedAt && side.endedAt ? between(side.startedAt, side.endedAt) : undefined);

function signed(ms: number): string {
    if (Math.abs(ms) < 1) return "the same";
    return `${ms > 0 ? "+" : "−"}${duration(Math.abs(ms))}`;
}

interface RowProps {
    id: string;
    pair: readonly [SideStage | undefined, SideStage | undefined];
    longest: number;
    isKept: boolean;
}

function Row({ id, pair, longest, isKept }: RowProps) {
    const [first, second] = [pair[0]?.milliseconds, pair[1]?.milliseconds];
    return (
        <tr>
            <td>
                <strong>{id}</strong>
                {isKept && <div class="muted">kept by the rerun</div>}
            </td>
            <td>{pair.map((stage, side) => <div key={side}>{stage ? <State of={stage.state} /> : "–"}</div>)}</td>
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
            <td class="end">{first !== undefined && second !== undefined && !isKept ? signed(second - first) : ""}</td>
            <td class="end">{pair.map((stage, side) => <div key={side}>{stage?.attempts ?? "–"}</div>)}</td>
            <td class="end">{pair.map((stage, side) => <div key={side}><Money amount={stage && `${stage.cost}`} /></div>)}</td>
        </tr>
    );
}

interface HeadProps {
    side: Side;
    label: string;
    onChoose: (generation: string) => void;
}

function Head({ side, label, onChoose }: HeadProps) {
    const { run, tags } = side.detail;
    const took = length(side);
    return (
        <div class="card card-body stack compared">
            <div class="row spread">
                <a class="strong" href={href(`runs/${run.id}`)}>
                    {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
                </a>
                <State of={side.state} />
            </div>
            <p class="muted">
                {clock(side.startedAt ?? run.created_at)}
                {took !== undefined && `, took ${duration(took)}`}
                {!isZero(String(side.cost)) && ", cost "}
                {!isZero(String(side.cost)) && <Money amount={String(side.cost)} />}
            </p>
            {run.generation > 1 && (
                <select class="control of-generation" aria-label={label} value={side.generation} onChange={(event) => onChoose(event.currentTarget.value)}>
                    {Array.from({ length: run.generation }, (_, index) => index + 1).map((number) => (
                        <option key={number} value={number}>
                            Generation {number}
                            {number === run.generation ? ", the newest" : ""}
                        </option>
                    ))}
                </select>
            )}
            {side.error && <p class="error-line">{side.error}</p>}
            {Object.keys(tags).length > 0 && (
                <span class="row">
                    {Object.entries(tags).map(([key, value]) => (
                        <span key={key} class="tag">
                            <b>{key}</b>
                            {value}
                        </span>
                    ))}
                </span>
            )}
        </div>
    );
}
