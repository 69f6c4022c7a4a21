// The page Runs: finds one run among many.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { streamState } from "../../api/live";
import { href } from "../../lib/base";
import { useKeys } from "../../lib/keys";
import { useTitle } from "../../lib/title";
import { clock } from "../../lib/time";
import { Empty, Failure, Loading, plural } from "../../parts/basics";
import { mayOperate } from "../../session";
import { BulkBar } from "./bulk";
import { Facets } from "./facets";
import { parseFilter, TERMS } from "./filter";
import { RunTable } from "./table";
import { useRuns } from "./use-runs";
import { Views } from "./views";
import { ExportMenu } from "./export";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const FIRST_RUN = `let run = engine.start::<Ordering>(order).tag("customer", "acme").await?;
println!("{}", run.output().await?);`;

export function RunsPage() {
    useTitle("Runs");
    const { url, route } = useLocation();
    const line = new URL(url, location.origin).searchParams.get("q") ?? "";
    const filter = parseFilter(line);
    const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
    const [isHeld, setHeld] = useState(false);
    const isPaused = isHeld || selected.size > 0;
    const runs = useRuns(filter.faults.length > 0 ? undefined : filter.parameters, isPaused);
    const go = (query: string): void => route(href("", { q: query }));
    const input = useRef<HTMLInputElement>(null);
    useEffect(() => setSelected(new Set()), [line]);

    const focusRow = (step: number): void => {
        const links = [...document.querySelectorAll<HTMLElement>("a[data-run]")];
        const at = links.findIndex((link) => link === document.activeElement);
        links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
    };
    const toggle = (id: string): void => {
        // Two keys may come before the page is drawn again.
        setSelected((old) => {
            const changed = new Set(old);
            if (!changed.delete(id)) changed.add(id);
            return changed;
        });
    };
    useKeys([
        { key: "/", does: "Edit the filter", action: () => input.current?.focus() },
        { key: "j", does: "Next run", action: () => focusRow(1) },
        { key: "k", does: "Previous run", action: () => focusRow(-1) },
        {
            key: "x",
            does: "Select the run",
            action: () => {
                const id = (document.activeElement as HTMLElement | null)?.dataset.run;
                if (id !== undefined && mayOperate.value) toggle(id);
            },
        },
        { key: "p", does: "Hold the list, or let it continue", action: () => setHeld(!isHeld) },
    ]);

    return (
        <div class="page">
            <div class="page-head">
                <h1>Runs</h1>
                <div class="row">
                    <span class="live" data-state={isPaused ? "closed" : streamState.value}>
                        {isPaused ? "Held" : streamState.value === "open" ? "Live" : "Connecting"}
                    </span>
                    <button type="button" class="button small" aria-pressed={isHeld} onClick={() => setHeld(!isHeld)}>
                        {isHeld ? "Continue" : "Hold"}
                    </button>
                    <ExportMenu parameters={filter.parameters} />
                </div>
            </div>
            <div class="stack">
                <FilterLine line={line} go={go} input={input} />
                {filter.faults.map((fault) => (
                    <p key={fault} class="wrong" role="alert">
                        {fault}
                    </p>
                ))}
                <Views line={line} go={go} />
                <Facets line={line} parameters={filter.parameters} go={go} />
            </div>
            <div class="card">
                {(selected.size > 0 || mayOperate.value) && (
                    <BulkBar
                        selected={selected}
                        parameters={filter.parameters}
                        hasFilter={line !== ""}
                        onClear={() => setSelected(new Set())}
                        onDone={runs.reload}
                    />
                )}
                {runs.fresh.length > 0 && (
                    <button type="button" class="fresh" onClick={runs.showFresh}>
                        {runs.fresh.length >= 50 ? "50 or more new runs" : plural(runs.fresh.length, "new run")}
                    </button>
                )}
                {runs.error && (
                    <div class="card-body">
                        <Failure error={runs.error} retry={runs.reload} />
                    </div>
                )}
                {runs.rows.length > 0 ? (
                    <RunTable rows={runs.rows} selected={selected} setSelected={setSelected} go={go} line={line} />
                ) : runs.isLoading ? (
                    <div class="card-body">
                        <Loading lines={8} />
                    </div>
                ) : (
                    runs.error === undefined &&
                    (line === "" ? (
                        <Empty title="There are no runs yet" code={FIRST_RUN}>
                            <p>A program starts one, or you do on the page of a workflow.</p>
                        </Empty>
                    ) : (
                        <Empty title="No run matches">
                            <button type="button" class="button" onClick={() => go("")}>
                                Show all runs
                            </button>
                        </Empty>
                    ))
                )}
                {(runs.hasMore || runs.searchedTo) && (
                    <div class="more">
                        {runs.searchedTo && (
                            <span class="muted">Searched back to {clock(runs.searchedTo)}, as far as the time allowed.</span>
                        )}
                        {runs.hasMore && (
                            <button type="button" class="button" disabled={runs.isLoading} onClick={runs.more}>
                                {runs.searchedTo ? "Search on" : "Show more"}
                            </button>
                        )}
                    </div>
                )}
            </div>
        </div>
    );
}

interface LineProps {
    line: string;
    go: (query: string) => void;
    input: { current: HTMLInputElement | null };
}

function FilterLine({ line, go, input }: LineProps) {
    const { route } = useLocation();
    const [text, setText] = useState(line);
    useEffect(() => setText(line), [line]);
    return (
        <form
            role="search"
            class="filter"
            onSubmit={(event) => {
                event.preventDefault();
                const wanted = text.trim();
                if (UUID.test(wanted)) route(href(`runs/${wanted}`));
                else go(wanted);
            }}
        >
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
                <path d="M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2Zm3.700 8.700L14 14" fill="none" stroke="currentColor" stroke-width="1.5" />
            </svg>
            <input
                ref={input}
                class="control mono"
                aria-label="Filter"
                list="filter-terms"
                placeholder="status:failed tag:customer=acme created:24h, or the id of a run"
                spellcheck={false}
                autocomplete="off"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
                onKeyDown={(event) => {
                    if (event.key === "Escape") event.currentTarget.blur();
                }}
            />
            <datalist id="filter-terms">
                {TERMS.map(({ name, hint }) => (
                    <option key={name} value={`${text === "" ? "" : `${text.replace(/\S+$/, "")}`}${name}:`}>
                        {hint}
                    </option>
                ))}
            </datalist>
            {line !== "" && (
                <button type="button" class="button plain small" onClick={() => go("")}>
                    Clear
                </button>
            )}
            <kbd aria-hidden="true">/</kbd>
        </form>
    );
}
