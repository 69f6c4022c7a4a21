// What differs between two JSON values, place by place.
import { compact, ExactNumber, type Json } from "./exact";

export interface Difference {
    /** A JSON pointer; empty for the whole. */
    pointer: string;
    a: string | undefined;
    b: string | undefined;
}

/** Returns the differences, at most this many. */
export function difference(a: Json | undefined, b: Json | undefined, most = 200): Difference[] {
    const found: Difference[] = [];
    const text = (value: Json | undefined): string | undefined => (value === undefined ? undefined : compact(value));
    const compare = (a: Json | undefined, b: Json | undefined, pointer: string): void => {
        if (found.length >= most) return;
        const isPlain = (value: Json | undefined): value is { [key: string]: Json } | Json[] =>
            value !== null && typeof value === "object" && !(value instanceof ExactNumber);
        if (isPlain(a) && isPlain(b) && Array.isArray(a) === Array.isArray(b)) {
            const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
            for (const key of keys) {
                const at = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
                compare((a as { [key: string]: Json })[key], (b as { [key: string]: Json })[key], at);
            }
        } else if (text(a) !== text(b)) {
            found.push({ pointer, a: text(a), b: text(b) });
        }
    };
    compare(a, b, "");
    return found;
}
