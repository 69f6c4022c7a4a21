// Everything about one run, kept current by its stream.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { query, segment, type ApiError } from "../../api/client";
import { useStream } from "../../api/live";
import type { Event, Layout, LogRecord, Page, RunDetail, StageView, Timeline } from "../../api/types";
import { useLoad } from "../../lib/load";
import { seesPayloads } from "../../session";

/** The least time between two reads of the whole run. */
const PACE_MS = 200;

export interface Progress {
    fraction: number;
    message: string;
}

export interface RunData {
    id: string;
    detail: RunDetail | undefined;
    timeline: Timeline | undefined;
    layout: Layout | undefined;
    error: ApiError | undefined;
    /** What running stages have reported, by stage. */
    progress: ReadonlyMap<string, Progress>;
    /** Calls a function with each new log line. */
    onLog: (listener: (line: LogRecord) => void) => () => void;
    /** Grows with each event. */
    version: number;
    reload: () => void;
}

export function useRun(id: string): RunData {
    const path = `/runs/${segment(id)}`;
    const detail = useLoad<RunDetail>(path);
    const timeline = useLoad<Timeline>(`${path}/timeline`);
    const definition = detail.data?.run.definition;
    const layout = useLoad<Layout>(definition === undefined ? undefined : `/definitions/${segment(definition)}/layout`);
    const newest = useLoad<Page<LogRecord>>(
        seesPayloads.value ? `${path}/logs${query({ limit: 1, newest_first: true })}` : undefined,
    );
    const [progress, setProgress] = useState<ReadonlyMap<string, Progress>>(new Map());
    const [version, setVersion] = useState(0);
    const listeners = useRef(new Set<(line: LogRecord) => void>());
    const pace = usePace(() => {
        detail.reload();
        timeline.reload();
    });

    // The stream begins after what has been read; it stays open at the end of the run, because a rerun may follow.
    const start = useRef<string | undefined>(undefined);
    const position = useRef("");
    const key = useRef(id);
    if (key.current !== id) {
        key.current = id;
        start.current = undefined;
    }
    const areLogsKnown = !seesPayloads.value || newest.data !== undefined || newest.error !== undefined;
    if (start.current === undefined && detail.data !== undefined && areLogsKnown) {
        const topics = seesPayloads.value ? "events,logs" : "events";
        const log = newest.data?.items[0]?.id ?? 0;
        start.current = `/live?run=${segment(id)}&topics=${topics}`;
        position.current = `e${detail.data.run.last_sequence}.l${log}`;
    }
    useStream(start.current, position.current, {
        event: (data) => {
            const event = data as Event;
            setVersion(event.sequence);
            if (event.type === "stage:progress") {
                const { stage_id, fraction, message } = event.data as { stage_id: string; fraction: number; message: string };
                setProgress((old) => new Map(old).set(stage_id, { fraction, message }));
                return;
            }
            const change = changeOf(event);
            if (change !== undefined) {
                // The graph shows it now; the rest follows with the next read.
                detail.set((old) => ({ ...old, stages: old.stages.map((stage) => change(stage) ?? stage) }));
            }
            pace();
        },
        log: (data) => {
            for (const listener of listeners.current) listener(data as LogRecord);
        },
    });

    const onLog = useCallback((listener: (line: LogRecord) => void) => {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
    }, []);
    return useMemo(
        () => ({
            id,
            detail: detail.data,
            timeline: timeline.data,
            layout: layout.data,
            error: detail.error,
            progress,
            onLog,
            version,
            reload: () => {
                detail.reload();
                timeline.reload();
            },
        }),
        [id, detail.data, detail.error, timeline.data, layout.data, progress, version],
    );
}

/** Calls a function at once, and then at most at this pace. */
function usePace(action: () => void): () => void {
    const timer = useRef(0);
    const last = useRef(0);
    const latest = useRef(action);
    latest.current = action;
    useEffect(() => () => window.clearTimeout(timer.current), []);
    return useCallback(() => {
        if (timer.current !== 0) return;
        const wait = Math.max(0, last.current + PACE_MS - performance.now());
        timer.current = window.setTimeout(() => {
            timer.current = 0;
            last.current = performance.now();
            latest.current();
        }, wait);
    }, []);
}

function changeOf(event: Event): ((stage: StageView) => StageView | undefined) | undefined {
    const statuses: Partial<Record<Event["type"], StageView["status"]>> = {
        "stage:started": "RUNNING",
        "stage:completed": "COMPLETED",
        "stage:failed": "FAILED",
        "stage:suspended": "SUSPENDED",
        "stage:skipped": "SKIPPED",
        "stage:cancelled": "CANCELLED",
        "stage:retrying": "PENDING",
        "stage:returned": "PENDING",
    };
    const status = statuses[event.type];
    const id = event.data.stage_id;
    if (status === undefined) return undefined;
    return (stage) => {
        if (stage.id !== id) return undefined;
        const attempt = typeof event.data.attempt === "number" ? event.data.attempt : stage.attempt;
        const times =
            status === "RUNNING"
                ? { started_at: event.at, completed_at: null }
                : status === "COMPLETED" || status === "FAILED"
                  ? { completed_at: event.at }
                  : {};
        return { ...stage, status, attempt, ...times };
    };
}
