// Live streams. A page has one, and only while it is visible: browsers allow six connections a host.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api } from "../lib/base";
import { parse } from "../lib/exact";
import { isOffline } from "./client";

export type StreamState = "closed" | "connecting" | "open";

/** The state of the page's stream. */
export const streamState = signal<StreamState>("closed");

type Handlers = Record<string, (data: unknown) => void>;

/** Opens a stream while the page is visible, after this position. It resumes after the last message that it has received. */
export function useStream(path: string | undefined, position: string, handlers: Handlers): void {
    const latest = useRef(handlers);
    latest.current = handlers;
    useEffect(() => {
        if (path === undefined) return;
        let source: EventSource | undefined;
        let last = position;
        let timer = 0;
        let isClosed = false;
        const open = (): void => {
            window.clearTimeout(timer);
            if (isClosed || source !== undefined || document.hidden) return;
            streamState.value = "connecting";
            const after = last === "" ? "" : `&after=${last}`;
            source = new EventSource(api(path + after));
            source.onopen = () => {
                streamState.value = "open";
                isOffline.value = false;
            };
            source.onerror = () => {
                close();
                timer = window.setTimeout(open, 1_000);
            };
            for (const type of Object.keys(latest.current)) {
                source.addEventListener(type, (message) => {
                    if (message.lastEventId !== "") last = message.lastEventId;
                    latest.current[type]?.(parse(message.data as string));
                });
            }
        };
        const close = (): void => {
            source?.close();
            source = undefined;
            streamState.value = isClosed || document.hidden ? "closed" : "connecting";
        };
        const onVisibility = (): void => (document.hidden ? close() : open());
        document.addEventListener("visibilitychange", onVisibility);
        open();
        return () => {
            isClosed = true;
            window.clearTimeout(timer);
            document.removeEventListener("visibilitychange", onVisibility);
            close();
        };
    }, [path]);
}
