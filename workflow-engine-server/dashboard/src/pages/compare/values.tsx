// What differs between two stored values, place by place.
import { useEffect } from "preact/hooks";
import { ApiError, send } from "../../api/client";
import { type Difference, difference } from "../../lib/difference";
import { type Json, parseExact } from "../../lib/exact";
import { useLoad } from "../../lib/load";
import { Failure } from "../../parts/basics";
import { bytes } from "../../parts/json";

/** Larger values are not compared in the browser. */
const MOST = 4 * 1024 * 1024;

async function readBoth(key: string, signal: AbortSignal): Promise<Difference[]> {
    const values = await Promise.all(
        key.split(" ").map(async (path): Promise<Json> => {
            const response = await send(`${path}?preview=${MOST}`, { signal });
            const total = Number(response.headers.get("x-total-bytes") ?? 0);
            if (total > MOST) throw new ApiError(413, "TOO_LARGE", `One of the values has ${bytes(total)}; at most 4 MiB are compared here. Download both instead.`);
            return parseExact(await response.text());
        }),
    );
    return difference(values[0], values[1]);
}

interface Props {
    title: string;
    /** The routes of both. */
    a: string;
    b: string;
    /** Called with the number of differences. */
    onFound: (title: string, count: number) => void;
}

export function Values({ title, a, b, onFound }: Props) {
    const loaded = useLoad<Difference[]>(`${a} ${b}`, readBoth);
    const found = loaded.data;
    useEffect(() => {
        if (found !== undefined) onFound(title, found.length);
    }, [found]);
    return (
        <div class="card">
            <div class={found !== undefined && found.length === 0 ? "card-head alone" : "card-head"}>
                <h3>{title}</h3>
                <span class="muted">{found === undefined ? "" : counted(found.length)}</span>
            </div>
            {loaded.error && <Failure error={loaded.error} />}
            {found !== undefined && found.length > 0 && (
                <div class="table-box" tabIndex={0} role="group" aria-label={`Differences of ${title}`}>
                    <table>
                        <thead>
                            <tr>
                                <th>Place</th>
                                <th>First</th>
                                <th>Second</th>
                            </tr>
                        </thead>
                        <tbody>
                            {found.map((place) => (
                                <tr key={place.pointer}>
                                    <td class="mono">{place.pointer === "" ? "the whole" : place.pointer}</td>
                                    <td class="mono data">{place.a === undefined ? "absent" : cut(place.a)}</td>
                                    <td class="mono data">{place.b === undefined ? "absent" : cut(place.b)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </div>
    );
}

/** `the same`, `1 difference`, `200 or more differences`. */
export function counted(count: number): string {
    if (count === 0) return "the same";
    return count >= 200 ? "200 or more differences" : `${count} ${count === 1 ? "difference" : "differences"}`;
}

const cut = (text: string): string => (text.length > 400 ? `${text.slice(0, 400)}…` : text);
