// Acts on many runs: a preview says which, and each one's result is shown. Runs that are newer than the preview stay.
import { useRef, useState } from "preact/hooks";
import { ApiError, post, segment, send } from "../../api/client";
import type { BulkAction, Preview, RunFilter } from "../../api/types";
import { href } from "../../lib/base";
import { parse } from "../../lib/exact";
import { Failure, Loading, plural, shortId } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { State } from "../../parts/state";
import { mayOperate } from "../../session";

interface Props {
    selected: ReadonlySet<string>;
    parameters: Record<string, string | string[]>;
    hasFilter: boolean;
    onClear: () => void;
    onDone: () => void;
}

const ACTIONS: readonly { action: BulkAction; name: string; done: string }[] = [
    { action: "cancel", name: "Cancel", done: "cancelled" },
    { action: "rerun", name: "Rerun", done: "rerun from their failed stages" },
    { action: "wake", name: "Wake", done: "woken" },
];

type Target = { ids: string[] } | { filter: RunFilter };

export function BulkBar({ selected, parameters, hasFilter, onClear, onDone }: Props) {
    const [action, setAction] = useState<BulkAction | undefined>(undefined);
    const [ofAll, setOfAll] = useState(false);
    if (!mayOperate.value || (selected.size === 0 && !hasFilter)) return null;
    const target: Target =
        selected.size > 0 && !ofAll ? { ids: [...selected] } : { filter: filterOf(parameters) };
    return (
        <div class="bulk" role="group" aria-label="Actions on many runs">
            <span>{selected.size > 0 && !ofAll ? `${plural(selected.size, "run")} selected` : "All that match"}</span>
            {ACTIONS.map(({ action, name }) => (
                <button key={action} type="button" class="button small" onClick={() => setAction(action)}>
                    {name}…
                </button>
            ))}
            {selected.size === 2 && (
                <a class="button small" href={href("compare", pairOf(selected))}>
                    Compare
                </a>
            )}
            {selected.size > 0 && hasFilter && (
                <button type="button" class="button plain small" onClick={() => setOfAll(!ofAll)}>
                    {ofAll ? "Only the selected ones" : "All that match"}
                </button>
            )}
            {selected.size > 0 && (
                <button type="button" class="button plain small" onClick={onClear}>
                    Clear the selection
                </button>
            )}
            {action !== undefined && (
                <BulkDialog
                    action={action}
                    target={target}
                    onClose={() => {
                        setAction(undefined);
                        setOfAll(false);
                        onDone();
                    }}
                />
            )}
        </div>
    );
}

/** The older run first. */
function pairOf(selected: ReadonlySet<string>): Record<string, string | undefined> {
    const [a, b] = [...selected].sort();
    return { a, b };
}

/** The parameters of the list that are fields of the filter, apart from statuses and tags. */
const FIELDS: Record<string, keyof RunFilter> = {
    workflow: "workflow_id",
    created_after: "created_since",
    created_before: "created_before",
    definition: "definition",
    error: "error_code",
    blocked_reason: "blocked_reason",
    phase: "phase",
    waiting_for: "waiting_for",
    key: "idempotency_key",
    id: "id_prefix",
    parent: "parent",
};

function filterOf({ status, tag, ...others }: Record<string, string | string[]>): RunFilter {
    const tags = Object.fromEntries(
        [tag ?? []].flat().map((tag) => [tag.slice(0, tag.indexOf(":")), tag.slice(tag.indexOf(":") + 1)]),
    );
    const given = Object.entries(others).map(([name, value]) => {
        const field = FIELDS[name];
        // Without it, the action would concern more runs than the list shows.
        if (field === undefined) throw new Error(`the filter has no ${name}`);
        return [field, value];
    });
    return { statuses: [status ?? []].flat() as NonNullable<RunFilter["statuses"]>, tags, ...Object.fromEntries(given) };
}

/** A line of the answer. */
type Line = Result | { next: string | null };

interface Result {
    run_id: string;
    /** `done`, `skipped` or a code. */
    outcome: string;
    message?: string;
}

function BulkDialog({ action, target, onClose }: { action: BulkAction; target: Target; onClose: () => void }) {
    const named = ACTIONS.find((other) => other.action === action);
    const [preview, setPreview] = useState<Preview | undefined>(undefined);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [reason, setReason] = useState("");
    const [isRunning, setRunning] = useState(false);
    const [lines, setLines] = useState<Result[]>([]);
    const [isEnded, setEnded] = useState(false);
    /** Whether the reason has changed since the preview, whose token signs it. */
    const [isStale, setStale] = useState(false);
    const latestReason = useRef(reason);
    latestReason.current = reason;
    const stop = useRef(false);
    const [isStopping, setStopping] = useState(false);
    const asked = useRef(false);

    const read = async (): Promise<void> => {
        setError(undefined);
        try {
            const given = latestReason.current.trim();
            setPreview(await post<Preview>("/runs/bulk", { action, ...target, ...(given !== "" && { reason: given }) }));
            // The reason may have changed while the answer was on its way.
            setStale(latestReason.current.trim() !== given);
        } catch (cause) {
            setError(cause as ApiError);
        }
    };
    if (!asked.current) {
        asked.current = true;
        void read();
    }

    const act = async (): Promise<void> => {
        if (preview === undefined) return;
        setRunning(true);
        setError(undefined);
        let token: string | null = preview.token;
        try {
            while (token !== null && !stop.current) {
                const response = await send(`/runs/bulk/${segment(token)}`, { method: "POST", body: {} });
                const text = await response.text();
                const all = text.split("\n").filter((line) => line !== "").map((line) => parse(line) as Line);
                const last = all.find((line): line is { next: string | null } => "next" in line);
                const results = all.filter((line): line is Result => "run_id" in line);
                setLines((old) => [...old, ...results]);
                token = last?.next ?? null;
            }
        } catch (cause) {
            setError(cause as ApiError);
        }
        setRunning(false);
        setEnded(true);
    };

    const done = lines.filter((line) => line.outcome === "done").length;
    const others = lines.filter((line) => line.outcome !== "done");
    const count = preview === undefined ? "" : `${preview.count.count.toLocaleString("en")}${preview.count.is_exact ? "" : "+"}`;
    return (
        <Dialog
            title={`${named?.name} many runs`}
            onClose={() => {
                stop.current = true;
                onClose();
            }}
            onSubmit={() => void (isStale ? read() : act())}
            foot={
                isEnded ? (
                    <button type="button" class="button primary" onClick={onClose}>
                        Done
                    </button>
                ) : isRunning ? (
                    <>
                        <span class="muted num">
                            {lines.length.toLocaleString("en")} of {count}
                        </span>
                        <button
                            type="button"
                            class="button"
                            disabled={isStopping}
                            onClick={() => {
                                stop.current = true;
                                setStopping(true);
                            }}
                        >
                            {isStopping ? "Stops after this step" : "Stop"}
                        </button>
                    </>
                ) : (
                    <button type="submit" class="button primary" disabled={preview === undefined || preview.count.count === 0}>
                        {isStale
                            ? "Preview again"
                            : `${named?.name} ${count} ${count === "1" ? "run" : "runs"}`}
                    </button>
                )
            }
        >
            {error && <Failure error={error} />}
            {preview === undefined && !error && <Loading lines={3} />}
            {preview !== undefined && !isRunning && !isEnded && (
                <>
                    <p>
                        <strong>{preview.count.count === 1 && preview.count.is_exact ? "1 run" : `${count} runs`}</strong> will be {named?.done}. Runs that start from now on are
                        left alone.
                    </p>
                    {preview.samples.length > 0 && (
                        <ul class="results" tabIndex={0} aria-label="The newest of them">
                            {preview.samples.map((run) => (
                                <li key={run.id}>
                                    <a href={href(`runs/${run.id}`)}>
                                        {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
                                    </a>
                                    <State of={run.phase} />
                                </li>
                            ))}
                        </ul>
                    )}
                    {action === "cancel" && (
                        <div class="field">
                            <label for="bulk-reason">Reason</label>
                            <input
                                id="bulk-reason"
                                class="control"
                                value={reason}
                                onInput={(event) => {
                                    setReason(event.currentTarget.value);
                                    setStale(true);
                                }}
                            />
                            <p class="help">It is kept with each run, for those who ask later.</p>
                        </div>
                    )}
                </>
            )}
            {(isRunning || isEnded) && (
                <div role="status" class="stack">
                    <p>
                        {done.toLocaleString("en")} {named?.done}
                        {others.length > 0 && `, ${others.length.toLocaleString("en")} not`}.
                    </p>
                    {others.length > 0 && (
                        <ul class="results" tabIndex={0} aria-label="Runs on which nothing was done">
                            {others.slice(0, 200).map((line) => (
                                <li key={line.run_id}>
                                    <span class="mono">{shortId(line.run_id)}</span>
                                    <span title={line.message}>{line.outcome === "skipped" ? "nothing to do" : line.outcome}</span>
                                </li>
                            ))}
                        </ul>
                    )}
                </div>
            )}
        </Dialog>
    );
}
