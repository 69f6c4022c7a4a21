// What the browser remembers: theme, time zone, and the views that a user has named.
import { effect, signal } from "@preact/signals";

function remembered<T>(name: string, initial: T, isValid: (value: unknown) => value is T) {
    const key = `workflow-engine.${name}`;
    let start = initial;
    try {
        const stored: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
        if (isValid(stored)) start = stored;
    } catch {
        // The browser keeps nothing, or something else.
    }
    const value = signal<T>(start);
    effect(() => {
        try {
            localStorage.setItem(key, JSON.stringify(value.value));
        } catch {
            // Then it is forgotten with the page.
        }
    });
    return value;
}

export type Theme = "system" | "light" | "dark";
const THEMES: readonly unknown[] = ["system", "light", "dark"];

export const theme = remembered<Theme>("theme", "system", (value): value is Theme => THEMES.includes(value));

effect(() => {
    const root = document.documentElement;
    if (theme.value === "system") delete root.dataset.theme;
    else root.dataset.theme = theme.value;
});

/** `local`, or the name of a zone. */
export const zone = remembered<string>("zone", "local", (value): value is string => typeof value === "string");

export interface NamedView {
    name: string;
    query: string;
}

const areViews = (value: unknown): value is NamedView[] =>
    Array.isArray(value) && value.every((view) => typeof view?.name === "string" && typeof view?.query === "string");

export const views = remembered<NamedView[]>("views", [], areViews);
