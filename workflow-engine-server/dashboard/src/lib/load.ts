// Data of a page, which stays while it is read again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";

export interface Loaded<T> {
    data: T | undefined;
    error: ApiError | undefined;
    isLoading: boolean;
    reload: () => void;
    set: (update: (data: T) => T) => void;
}

const RETRY_MS = 3_000;

/** Reads a path of the API; again when it changes, on `reload`, and after an error that may pass. */
export function useLoad<T>(path: string | undefined, read: (path: string, signal: AbortSignal) => Promise<T> = get): Loaded<T> {
    const [state, setState] = useState<{ path?: string | undefined; data?: T; error?: ApiError; isLoading: boolean }>({
        isLoading: path !== undefined,
    });
    const running = useRef<AbortController | undefined>(undefined);
    const again = useRef(false);
    const timer = useRef(0);
    const reader = useRef(read);
    reader.current = read;

    const load = useCallback(async (target: string) => {
        const controller = new AbortController();
        running.current?.abort();
        running.current = controller;
        window.clearTimeout(timer.current);
        try {
            const data = await reader.current(target, controller.signal);
            if (!controller.signal.aborted) setState({ path: target, data, isLoading: false });
        } catch (cause) {
            if (controller.signal.aborted) return;
            const error = cause instanceof ApiError ? cause : new ApiError(0, "UNREADABLE", String(cause));
            setState((old) => ({ ...old, path: target, error, isLoading: false }));
            const mayPass = error.status === 0 || error.status === 429 || error.status >= 500;
            if (mayPass) timer.current = window.setTimeout(() => void load(target), RETRY_MS);
        } finally {
            if (running.current === controller) running.current = undefined;
            if (again.current && !controller.signal.aborted) {
                again.current = false;
                void load(target);
            }
        }
    }, []);

    useEffect(() => {
        again.current = false;
        if (path !== undefined) {
            setState((old) => (old.path === path ? old : { isLoading: true }));
            void load(path);
        }
        return () => {
            running.current?.abort();
            window.clearTimeout(timer.current);
        };
    }, [path]);

    const reload = useCallback(() => {
        if (path === undefined) return;
        // One request at a time; what changes meanwhile needs one more.
        if (running.current !== undefined) again.current = true;
        else void load(path);
    }, [path]);

    const set = useCallback((update: (data: T) => T) => {
        setState((old) => (old.data === undefined ? old : { ...old, data: update(old.data) }));
    }, []);

    const isCurrent = state.path === path;
    return {
        data: isCurrent ? state.data : undefined,
        error: isCurrent ? state.error : undefined,
        isLoading: !isCurrent || state.isLoading,
        reload,
        set,
    };
}

/** Calls a function at this pace while the page is visible. */
export function useEvery(milliseconds: number | undefined, action: () => void): void {
    const latest = useRef(action);
    latest.current = action;
    useEffect(() => {
        if (milliseconds === undefined) return;
        const timer = window.setInterval(() => {
            if (!document.hidden) latest.current();
        }, milliseconds);
        return () => window.clearInterval(timer);
    }, [milliseconds]);
}
