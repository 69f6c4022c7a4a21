// A payload as it is stored, with all of its digits. 64 KiB are shown; the rest is a download.
import { useState } from "preact/hooks";
import { query, send } from "../api/client";
import { api } from "../lib/base";
import { parseExact, write } from "../lib/exact";
import { useLoad } from "../lib/load";
import { mayOperate } from "../session";
import { Copy, Failure, Loading } from "./basics";

const SHOWN = 65_536;

interface Text {
    text: string;
    total: number;
}

async function read(path: string, signal: AbortSignal): Promise<Text> {
    const response = await send(path, { signal });
    const text = await response.text();
    return { text, total: Number(response.headers.get("x-total-bytes") ?? text.length) };
}

interface Props {
    title: string;
    /** The route of the payload. */
    path: string;
    /** Grows when it may have changed. */
    version?: number | string | undefined;
}

export function Payload({ title, path, version }: Props) {
    const [reveals, setReveals] = useState(false);
    const loaded = useLoad<Text>(`${path}${query({ preview: SHOWN, reveal: reveals ? "true" : undefined })}`, read);
    const [shownVersion, setShownVersion] = useState(version);
    if (shownVersion !== version) {
        setShownVersion(version);
        loaded.reload();
    }
    const payload = loaded.data;
    const isWhole = payload !== undefined && payload.total <= SHOWN;
    return (
        <section class="card">
            <div class="card-head">
                <h2 class="small-title">{title}</h2>
                <span class="row">
                    {payload && <span class="muted num">{bytes(payload.total)}</span>}
                    {payload?.text.includes('"[hidden]"') && mayOperate.value && !reveals && (
                        <button type="button" class="button plain small" onClick={() => setReveals(true)}>
                            Show hidden values
                        </button>
                    )}
                    {isWhole && <Copy text={payload.text} />}
                    {payload && (
                        <a class="button plain small" href={api(path)} download>
                            Download
                        </a>
                    )}
                </span>
            </div>
            <div class="card-body stack">
                {loaded.error && <Failure error={loaded.error} />}
                {payload === undefined && !loaded.error && <Loading lines={3} />}
                {payload !== undefined && <JsonText text={payload.text} />}
                {payload !== undefined && !isWhole && (
                    <p class="muted">These are the first 64 KiB; the download has all {bytes(payload.total)}.</p>
                )}
            </div>
        </section>
    );
}

/** JSON, indented and coloured. */
export function JsonText({ text }: { text: string }) {
    let pretty = text;
    try {
        pretty = write(parseExact(text));
    } catch {
        // It was cut.
    }
    return (
        <pre class="code json" tabIndex={0}>
            {pretty.length > 40_000 ? pretty : colored(pretty)}
        </pre>
    );
}

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b/g;

function colored(text: string) {
    const parts = [];
    let end = 0;
    for (const match of text.matchAll(TOKENS)) {
        if (match.index > end) parts.push(text.slice(end, match.index));
        const [whole, quoted, colon, number] = match;
        const kind = quoted !== undefined ? (colon !== undefined ? "k" : "s") : number !== undefined ? "n" : "w";
        parts.push(
            <span key={match.index} class={kind}>
                {whole}
            </span>,
        );
        end = match.index + whole.length;
    }
    parts.push(text.slice(end));
    return parts;
}

export function bytes(count: number): string {
    if (count < 1_024) return `${count} B`;
    if (count < 1_048_576) return `${(count / 1_024).toFixed(count < 10_240 ? 1 : 0)} KiB`;
    return `${(count / 1_048_576).toFixed(1)} MiB`;
}
