// When each stage waited, ran, failed and ended.
import type { AttemptRecord, StageTimeline, StageWait, Timeline as Data } from "../../api/types";
import { clock, duration, now, precise, zoneName } from "../../lib/time";
import { plural } from "../../parts/basics";

interface Props {
    timeline: Data;
    selected: string | undefined;
    onSelect: (stage: string | undefined) => void;
}

const WAITS: Record<StageWait["reason"], string> = {
    worker: "waited for a worker",
    backoff: "waited before the next attempt",
    external: "waited for something outside",
    delay: "waited for its delay",
    child: "waited for the run that it started",
};

const OUTCOMES: Record<AttemptRecord["outcome"], string> = {
    running: "runs",
    waiting: "began to wait",
    completed: "completed",
    retried: "failed, retried",
    failed: "failed",
    returned: "returned to the queue",
    cancelled: "cancelled",
};

/** The looks that need a word. */
const LEGEND = [
    ["attempt of-completed", "ran"],
    ["attempt of-running", "runs"],
    ["attempt of-retried", "failed, retried"],
    ["attempt of-failed", "failed"],
    ["wait-worker", "in the queue"],
    ["wait-backoff", "before a retry"],
    ["wait-delay", "delayed"],
    ["wait-external", "waits for something outside"],
    ["wait-child", "waits for a run that it has started"],
] as const;

export function Timeline({ timeline, selected, onSelect }: Props) {
    const last = timeline.generations.at(-1);
    const isOpen = last === undefined || last.ended_at === null;
    const begin = Date.parse(timeline.created_at);
    const end = Math.max(isOpen ? now.value : Date.parse(last.ended_at ?? ""), begin + 50);
    const place = (from: string | null, to: string | null): { left: string; width: string } => {
        // What begins in the future, as the wait for a budget does at the end of time, is not drawn beyond the page.
        const a = from === null ? begin : Math.min(end, Math.max(begin, Date.parse(from)));
        const b = Math.min(end, to === null ? end : Date.parse(to));
        const left = ((a - begin) / (end - begin)) * 100;
        return { left: `${left}%`, width: `${Math.max(0, ((b - a) / (end - begin)) * 100)}%` };
    };
    const shown = timeline.stages.slice(0, 400);
    const looks = new Set<string>(
        shown.flatMap(({ attempts, waits }) => [
            ...attempts.map(({ outcome }) => `attempt of-${outcome === "waiting" ? "completed" : outcome}`),
            ...waits.map(({ reason }) => `wait-${reason}`),
        ]),
    );
    if (shown[0]?.waits.length === 0) looks.add("wait-worker");
    // Before its first attempt, the whole run was in the queue.
    const firsts = timeline.stages.flatMap((stage) => stage.attempts[0]?.started_at ?? []);
    const firstStart = firsts.length === 0 ? null : firsts.reduce((a, b) => (Date.parse(a) <= Date.parse(b) ? a : b));
    return (
        <div class="timeline">
            <div class="axis" aria-hidden="true">
                <span class="muted">{zoneName.value}</span>
                <div class="track ticks">
                    {ticks(begin, end).map((tick) => (
                        <span key={tick} style={{ left: `${((tick - begin) / (end - begin)) * 100}%` }}>
                            {end - begin < 10_000 ? precise(new Date(tick).toISOString()).slice(0, -1) : clock(new Date(tick).toISOString())}
                        </span>
                    ))}
                </div>
            </div>
            <ul>
                {shown.map((stage) => (
                    <li key={stage.stage_id} class={selected === stage.stage_id ? "line selected" : "line"}>
                        <button
                            type="button"
                            class="line-name ellipsis"
                            aria-pressed={selected === stage.stage_id}
                            onClick={() => onSelect(selected === stage.stage_id ? undefined : stage.stage_id)}
                        >
                            {stage.stage_id}
                            <span class="visually-hidden">, {plural(stage.attempts.length, "attempt")}</span>
                        </button>
                        <div class="track">
                            {timeline.generations.slice(1).map((generation) => (
                                <i key={generation.number} class="generation" style={{ left: place(generation.started_at, null).left }} />
                            ))}
                            {stage.stage_number === 1 && stage.waits.length === 0 && (
                                <i
                                    class="span wait-worker"
                                    style={place(timeline.created_at, firstStart)}
                                    title={`the run waited for a worker: ${length(timeline.created_at, firstStart, end)}`}
                                />
                            )}
                            {stage.waits.map((wait, index) => (
                                <i
                                    key={`w${index}`}
                                    class={`span wait-${wait.reason}`}
                                    style={place(wait.from, wait.to)}
                                    title={`${WAITS[wait.reason]}: ${length(wait.from, wait.to, end)}`}
                                />
                            ))}
                            {stage.attempts.map((attempt, index) => (
                                <i
                                    key={`a${index}`}
                                    class={`span attempt of-${attempt.outcome}${attempt.is_check ? " check" : ""}`}
                                    style={place(attempt.started_at, endOf(attempt, stage))}
                                    title={`${attempt.is_check ? "check" : "attempt"} ${attempt.number}: ${OUTCOMES[attempt.outcome]}, ${length(attempt.started_at, attempt.ended_at, end)}`}
                                />
                            ))}
                        </div>
                    </li>
                ))}
            </ul>
            {timeline.stages.length > shown.length && (
                <p class="muted">{plural(timeline.stages.length - shown.length, "more stage")}: see the tab Stages.</p>
            )}
            <p class="legend" aria-hidden="true">
                {LEGEND.filter(([look]) => looks.has(look)).map(([look, text]) => (
                    <span key={look}>
                        <i class={look} /> {text}
                    </span>
                ))}
            </p>
            {!timeline.is_complete && <p class="muted">The run has more events than the timeline reads; its end is missing.</p>}
        </div>
    );
}

function length(from: string | null, to: string | null, end: number): string {
    if (from === null) return "";
    return duration((to === null ? end : Date.parse(to)) - Date.parse(from));
}

const STEPS = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];

function ticks(begin: number, end: number): number[] {
    const step = STEPS.find((step) => (end - begin) / step <= 5) ?? 26_784e5;
    const first = Math.ceil(begin / step) * step;
    const all: number[] = [];
    for (let tick = first; tick < end - (end - begin) * 0.06; tick += step) all.push(tick);
    return all;
}

/** An attempt that began to wait ran until then; its wait is drawn by itself. */
function endOf(attempt: AttemptRecord, stage: StageTimeline): string | null {
    const isOf = ({ reason, from }: StageTimeline["waits"][number]): boolean =>
        (reason === "external" || reason === "child") && attempt.started_at !== null && from >= attempt.started_at && (attempt.ended_at === null || from <= attempt.ended_at);
    return (attempt.is_check ? undefined : stage.waits.find(isOf)?.from) ?? attempt.ended_at;
}
