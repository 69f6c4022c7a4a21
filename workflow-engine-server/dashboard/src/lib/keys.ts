// Keys of the whole page and of the page that is shown.
import { useEffect } from "preact/hooks";

export interface Key {
    /** As `KeyboardEvent.key`; two with a space are pressed one after the other: `g r`. */
    key: string;
    does: string;
    action: () => void;
}

const active: Key[][] = [];
let prefix = "";
let timer = 0;

/** The keys that work now, for the list of keys. */
export function activeKeys(): Key[] {
    return active.flat();
}

/** Adds keys while the component is shown. */
export function useKeys(keys: Key[]): void {
    useEffect(() => {
        active.push(keys);
        return () => {
            active.splice(active.indexOf(keys), 1);
        };
    });
}

function isTyping(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && target.closest("input, textarea, select, dialog, [contenteditable]") !== null;
}

addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    window.clearTimeout(timer);
    const pressed = prefix === "" ? event.key : `${prefix} ${event.key}`;
    // The newest page comes first.
    const found = active.toReversed().flat().find((key) => key.key === pressed);
    const begins = active.flat().some((key) => key.key.startsWith(`${pressed} `));
    prefix = "";
    if (found !== undefined) {
        event.preventDefault();
        found.action();
    } else if (begins) {
        prefix = pressed;
        timer = window.setTimeout(() => {
            prefix = "";
        }, 1_200);
    }
});
