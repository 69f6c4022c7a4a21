// The list of runs that match, live: their states by a stream, new ones by reading the first page again.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { get, query, type ApiError } from "../../api/client";
import { useStream } from "../../api/live";
import type { ListedRun, Page, RunView } from "../../api/types";
import { useEvery, useLoad } from "../../lib/load";

const PAGE = 50;
/** How often the newest runs are read again. */
const FRESH_MS = 2_000;

export interface Runs {
    rows: ListedRun[];
    /** Newer runs, which are not shown while the list is paused. */
    fresh: ListedRun[];
    error: ApiError | undefined;
    isLoading: boolean;
    hasMore: boolean;
    searchedTo: string | undefined;
    more: () => void;
    showFresh: () => void;
    reload: () => void;
}

export function useRuns(parameters: Record<string, string | string[]> | undefined, isPaused: boolean): Runs {
    const path = parameters === undefined ? undefined : `/runs${query({ ...parameters, limit: String(PAGE) })}`;
    const first = useLoad<Page<ListedRun>>(path);
    const [rows, setRows] = useState<ListedRun[]>([]);
    const [shownPath, setShownPath] = useState<string | undefined>(undefined);
    const [fresh, setFresh] = useState<ListedRun[]>([]);
    const [next, setNext] = useState<string | undefined>(undefined);
    const [searchedTo, setSearchedTo] = useState<string | undefined>(undefined);
    const [isLoadingMore, setLoadingMore] = useState(false);
    const [error, setError] = useState<ApiError | undefined>(undefined);

    useEffect(() => {
        const page = first.data;
        if (page === undefined) return;
        if (shownPath !== path) {
            setShownPath(path);
            setRows(page.items);
            setFresh([]);
            setNext(page.next ?? undefined);
            setSearchedTo(page.searched_to ?? undefined);
            return;
        }
        const known = new Set(rows.map((run) => run.id));
        const added = page.items.filter((run) => !known.has(run.id) && (rows[0] === undefined || run.id > rows[0].id));
        const states = new Map(page.items.map((run) => [run.id, run]));
        setRows((old) => merge(isPaused ? [] : added, old.map((run) => states.get(run.id) ?? run)));
        setFresh(isPaused ? added : []);
    }, [first.data, path, isPaused]);

    useEvery(path === undefined ? undefined : FRESH_MS, first.reload);

    const visible = useMemo(() => rows.slice(0, 100).map((run) => run.id), [rows.map((run) => run.id).join()]);
    useStream(visible.length === 0 ? undefined : `/live?runs=${visible.join()}`, "", {
        run: (data) => {
            const run = data as RunView;
            setRows((old) => old.map((row) => (row.id === run.id ? { ...row, ...run } : row)));
        },
        gone: (data) => {
            const { id } = data as { id: string };
            setRows((old) => old.filter((row) => row.id !== id));
        },
    });

    const more = useCallback(() => {
        if (next === undefined || path === undefined || isLoadingMore) return;
        setLoadingMore(true);
        get<Page<ListedRun>>(`${path}&after=${encodeURIComponent(next)}`)
            .then((page) => {
                setRows((old) => merge(old, page.items));
                setNext(page.next ?? undefined);
                setSearchedTo(page.searched_to ?? undefined);
                setError(undefined);
            })
            .catch((cause: ApiError) => setError(cause))
            .finally(() => setLoadingMore(false));
    }, [next, path, isLoadingMore]);

    const isCurrent = shownPath === path;
    return {
        rows: isCurrent ? rows : [],
        fresh,
        error: first.error ?? error,
        isLoading: (!isCurrent && first.error === undefined && path !== undefined) || isLoadingMore,
        hasMore: next !== undefined,
        searchedTo,
        more,
        showFresh: () => {
            setRows((old) => merge(fresh, old));
            setFresh([]);
        },
        reload: first.reload,
    };
}

function merge(before: ListedRun[], after: ListedRun[]): ListedRun[] {
    const known = new Set(before.map((run) => run.id));
    return [...before, ...after.filter((run) => !known.has(run.id))];
}
