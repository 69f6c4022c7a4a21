// Small parts that all pages use.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { full, relative } from "../lib/time";
import { say } from "./toast";

/** An instant as a distance from now; the whole instant with its zone is its title. */
export function Ago({ at }: { at: string }) {
    return (
        <time dateTime={at} title={full(at)} class="nowrap num">
            {relative(at)}
        </time>
    );
}

/** What went wrong, and what helps. */
export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
    return (
        <div class="problem" role="alert">
            <strong>{titleOf(error)}</strong>
            <p>{error.message}</p>
            {error.problem?.errors?.map((place) => (
                <p key={place.pointer + place.detail}>
                    <code>{place.pointer}</code> {place.detail}
                </p>
            ))}
            <p class="help row">
                <code>{error.code}</code>
                {error.problem?.request_id && <span>request {error.problem.request_id}</span>}
                {retry && (
                    <button type="button" class="button small" onClick={retry}>
                        Try again
                    </button>
                )}
            </p>
        </div>
    );
}

function titleOf(error: ApiError): string {
    if (error.status === 0) return "The server cannot be reached";
    if (error.status === 403) return "Your token does not allow this";
    if (error.status === 404) return "This does not exist";
    if (error.status === 412) return "The run has changed meanwhile";
    if (error.status === 422 || error.status === 400) return "The request is not valid";
    return error.status >= 500 ? "The server could not answer" : "This was refused";
}

/** What a page shows where there is nothing. */
export function Empty({ title, children, code }: { title: string; children?: ComponentChildren; code?: string }) {
    return (
        <div class="empty">
            <h2>{title}</h2>
            {children}
            {code !== undefined && (
                <pre class="code" tabIndex={0}>
                    <code>{code}</code>
                </pre>
            )}
        </div>
    );
}

/** Lines in place of what is being read. */
export function Loading({ lines = 5 }: { lines?: number }) {
    const widths = ["92%", "78%", "85%", "64%", "73%"];
    return (
        <div class="stack" aria-busy="true">
            <span class="visually-hidden" role="status">
                Loading
            </span>
            {Array.from({ length: lines }, (_, line) => (
                <div key={line} class="skeleton" style={{ width: widths[line % widths.length] }} />
            ))}
        </div>
    );
}

/** A text that is copied on a click. */
export function Copy({ text, children }: { text: string; children?: ComponentChildren }) {
    const [isCopied, setCopied] = useState(false);
    const copy = async (): Promise<void> => {
        try {
            await navigator.clipboard.writeText(text);
            setCopied(true);
            say("Copied");
            window.setTimeout(() => setCopied(false), 1_500);
        } catch {
            say("The browser does not let the page copy");
        }
    };
    return (
        <button type="button" class="button plain small" title={`Copy ${text}`} onClick={() => void copy()}>
            {children ?? (isCopied ? "Copied" : "Copy")}
        </button>
    );
}

export function isZero(amount: string): boolean {
    return /^0(\.0+)?( USD)?$/.test(amount);
}

/** The amount without its currency: `$0.0135`; a dash for none. */
export function Money({ amount, isDash = true }: { amount: string | null | undefined; isDash?: boolean }) {
    const value = (amount ?? "").replace(/ USD$/, "");
    if (value === "" || isZero(value)) return <span class="muted">{isDash ? "–" : ""}</span>;
    return <span title={amount ?? ""}>${shortened(value)}</span>;
}

/** Four digits that matter; the title has all of them. */
function shortened(value: string): string {
    const number = Number(value);
    if (number >= 100) return number.toFixed(2);
    const digits = number >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(number)));
    const text = number.toFixed(digits);
    return Number(text) === number ? text : `${text}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
    return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** The first 8 characters of an id hide what differs between ids of one moment, so the last ones are shown. */
export function shortId(id: string): string {
    return id.slice(-8);
}
