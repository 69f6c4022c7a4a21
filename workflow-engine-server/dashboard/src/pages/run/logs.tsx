// The log lines of a run: its tail, which stops when the reader scrolls, and older ones on demand.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, query, segment } from "../../api/client";
import type { LogLevel, LogRecord, Page, StageView } from "../../api/types";
import { compact } from "../../lib/exact";
import { memo } from "../../lib/memo";
import { full, precise } from "../../lib/time";
import { Empty, Failure, Loading } from "../../parts/basics";

/** The most lines in the page. */
const MOST = 500;
const PAGE = 200;
/** How long new lines are collected before they are drawn. */
const FLUSH_MS = 80;
const LEVELS: readonly LogLevel[] = ["DEBUG", "INFO", "WARN", "ERROR"];

interface Props {
    id: string;
    stages: StageView[];
    stage: string | undefined;
    attempt: number | undefined;
    setFilter: (stage: string | undefined, attempt: number | undefined) => void;
    onLog: (listener: (line: LogRecord) => void) => () => void;
    line: number | undefined;
}

const CODE = `ctx.log(LogLevel::Info, "asking the bank", json!({ "cents": 4200 }));`;

export function Logs({ id, stages, stage, attempt, setFilter, onLog, line }: Props) {
    const [level, setLevel] = useState<LogLevel>("DEBUG");
    const [lines, setLines] = useState<LogRecord[] | undefined>(undefined);
    const [older, setOlder] = useState<string | undefined>(undefined);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [follows, setFollows] = useState(true);
    const [missed, setMissed] = useState(0);
    const box = useRef<HTMLDivElement>(null);
    const state = useRef({ follows: true, anchor: 0, top: 0 });
    state.current.follows = follows;
    const filter = query({ stage, attempt, level, limit: PAGE, newest_first: true });
    const path = `/runs/${segment(id)}/logs${filter}`;

    const read = useCallback(
        async (after?: string) => {
            try {
                const page = await get<Page<LogRecord>>(after === undefined ? path : `${path}&after=${encodeURIComponent(after)}`);
                const found = page.items.toReversed();
                setOlder(page.next ?? undefined);
                setError(undefined);
                if (after === undefined) {
                    setLines(found);
                    setMissed(0);
                    return;
                }
                const element = box.current;
                state.current.anchor = element === null ? 0 : element.scrollHeight - element.scrollTop;
                setFollows(false);
                // The newest lines leave the page; the button brings them back.
                setLines((old) => [...found, ...(old ?? [])].slice(0, MOST));
            } catch (cause) {
                if (cause instanceof ApiError) setError(cause);
            }
        },
        [path],
    );
    useEffect(() => {
        setLines(undefined);
        setFollows(true);
        void read();
    }, [read]);

    const pending = useRef<LogRecord[]>([]);
    const arrived = useRef(0);
    const timer = useRef(0);
    const flush = (): void => {
        const [added, count] = [pending.current, arrived.current];
        pending.current = [];
        arrived.current = 0;
        timer.current = 0;
        if (!state.current.follows) return setMissed((old) => old + count);
        setLines((old) => {
            if (old === undefined) return old;
            const last = old.at(-1)?.id ?? 0;
            return [...old, ...added.filter((entry) => entry.id > last)].slice(-MOST);
        });
    };
    useEffect(
        () => () => {
            window.clearTimeout(timer.current);
            timer.current = 0;
            pending.current = [];
        },
        [path],
    );
    const least = LEVELS.indexOf(level);
    useEffect(
        () =>
            onLog((added) => {
                const isWanted =
                    (stage === undefined || added.stage_id === stage) &&
                    (attempt === undefined || added.attempt === attempt) &&
                    LEVELS.indexOf(added.level) >= least;
                if (!isWanted) return;
                pending.current.push(added);
                if (pending.current.length > MOST) pending.current.shift();
                arrived.current += 1;
                // Many lines come at once, and are drawn together.
                if (timer.current === 0) timer.current = window.setTimeout(flush, FLUSH_MS);
            }),
        [onLog, stage, attempt, least],
    );
    useLayoutEffect(() => {
        const element = box.current;
        if (element === null) return;
        if (follows) element.scrollTop = element.scrollHeight;
        else if (state.current.anchor > 0) {
            element.scrollTop = element.scrollHeight - state.current.anchor;
            state.current.anchor = 0;
        }
    }, [lines, follows]);
    useEffect(() => {
        if (line !== undefined) document.getElementById(`log-${line}`)?.scrollIntoView({ block: "center" });
    }, [line, lines === undefined]);

    return (
        <section class="card">
            <div class="card-head">
                <div class="row">
                    <select
                        class="control log-filter"
                        aria-label="Stage"
                        value={stage ?? ""}
                        onChange={(event) => setFilter(event.currentTarget.value || undefined, undefined)}
                    >
                        <option value="">All stages</option>
                        {stages.map((other) => (
                            <option key={other.id} value={other.id}>
                                {other.id}
                            </option>
                        ))}
                    </select>
                    <select
                        class="control log-filter"
                        aria-label="Least severity"
                        value={level}
                        onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
                    >
                        {LEVELS.map((other) => (
                            <option key={other} value={other}>
                                {other === "DEBUG" ? "All levels" : `${other} and worse`}
                            </option>
                        ))}
                    </select>
                    {attempt !== undefined && (
                        <button type="button" class="button small" onClick={() => setFilter(stage, undefined)}>
                            Attempt {attempt} only: show all
                        </button>
                    )}
                </div>
                <button
                    type="button"
                    class="button small"
                    aria-pressed={follows}
                    onClick={() => {
                        if (!follows) void read();
                        setFollows(!follows);
                    }}
                >
                    {follows ? "Following" : missed > 0 ? `Follow, ${missed} new` : "Follow"}
                </button>
            </div>
            {error && (
                <div class="card-body">
                    <Failure error={error} retry={() => void read()} />
                </div>
            )}
            {lines === undefined && !error && (
                <div class="card-body">
                    <Loading />
                </div>
            )}
            {lines?.length === 0 && (
                <Empty title="There are no log lines" {...(stage === undefined && { code: CODE })}>
                    <p>{stage === undefined ? "A stage writes one with its context." : "This filter has none."}</p>
                </Empty>
            )}
            {lines !== undefined && lines.length > 0 && (
                <div
                    class="logs"
                    ref={box}
                    tabIndex={0}
                    role="log"
                    aria-live="off"
                    aria-label="Log lines, oldest first"
                    onScroll={(event) => {
                        const element = event.currentTarget;
                        const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
                        // Only the reader scrolls up; what is drawn moves the view down.
                        if (follows && !isAtEnd && element.scrollTop < state.current.top) setFollows(false);
                        state.current.top = element.scrollTop;
                    }}
                >
                    {older !== undefined && (
                        <button type="button" class="button plain small" onClick={() => void read(older)}>
                            Older lines
                        </button>
                    )}
                    {lines.map((entry) => (
                        <Line key={entry.id} entry={entry} hasStage={stage === undefined} isLinked={entry.id === line} />
                    ))}
                </div>
            )}
        </section>
    );
}

interface LineProps {
    entry: LogRecord;
    hasStage: boolean;
    isLinked: boolean;
}

const Line = memo(function Line({ entry, hasStage, isLinked }: LineProps) {
    return (
        <div id={`log-${entry.id}`} class={`log level-${entry.level.toLowerCase()}${isLinked ? " linked" : ""}`}>
            <time dateTime={entry.at} title={full(entry.at)}>
                {precise(entry.at)}
            </time>
            <b>{entry.level}</b>
            {hasStage && <span class="log-stage ellipsis">{entry.stage_id}</span>}
            <span class="log-text">
                {entry.message}
                <Fields of={entry.fields} />
            </span>
        </div>
    );
});

function Fields({ of }: { of: unknown }) {
    if (of === null || typeof of !== "object") return null;
    return (
        <>
            {Object.entries(of).map(([key, value]) => (
                <span key={key} class="log-field">
                    {" "}
                    <i>{key}=</i>
                    {typeof value === "string" ? value : compact(value)}
                </span>
            ))}
        </>
    );
}
