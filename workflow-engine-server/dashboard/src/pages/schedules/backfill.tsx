// Runs for ticks in the past, after a look at them.
import { useState } from "preact/hooks";
import { type ApiError, post, segment } from "../../api/client";
import type { Backfilled, BackfilledTick } from "../../api/types";
import { full } from "../../lib/time";
import { Failure, plural, shortId } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";

const DAY = 86_400_000;

interface Props {
    id: string;
    onClose: () => void;
    onDone: () => void;
}

export function BackfillDialog({ id, onClose, onDone }: Props) {
    const [from, setFrom] = useState(() => local(Date.now() - DAY));
    const [to, setTo] = useState(() => local(Date.now()));
    const [ticks, setTicks] = useState<BackfilledTick[] | undefined>(undefined);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const send = (preview: boolean): Promise<Backfilled> => {
        setError(undefined);
        const body = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
        return post<Backfilled>(`/schedules/${segment(id)}/backfill${preview ? "?preview=true" : ""}`, body);
    };
    const count = ticks?.filter((tick) => tick.is_new).length ?? 0;
    const submit = (): void => {
        const isPreview = ticks === undefined;
        send(isPreview)
            .then((answer) => {
                if (isPreview) return setTicks(answer.ticks);
                say(`${plural(answer.ticks.filter((tick) => tick.is_new).length, "run")} started`);
                onDone();
            })
            .catch(setError);
    };
    const change = (set: (text: string) => void) => (event: { currentTarget: HTMLInputElement }) => {
        set(event.currentTarget.value);
        setTicks(undefined);
    };
    return (
        <Dialog
            title={`Backfill ${id}`}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={ticks !== undefined && count === 0}>
                    {ticks === undefined ? "Show the ticks" : `Start ${plural(count, "run")}`}
                </button>
            }
        >
            <p>A run starts for each tick between these instants that has none.</p>
            <label class="field">
                <span>From</span>
                <input type="datetime-local" step="1" required value={from} onInput={change(setFrom)} />
            </label>
            <label class="field">
                <span>To</span>
                <input type="datetime-local" step="1" required value={to} onInput={change(setTo)} />
            </label>
            {ticks && (
                <ul class="results" tabIndex={0} aria-label="The ticks">
                    {ticks.map((tick) => (
                        <li key={tick.scheduled_for}>
                            <span class="num">{full(tick.scheduled_for)}</span>
                            <span class="muted">{tick.run_id ? `has run ${shortId(tick.run_id)}` : "would start"}</span>
                        </li>
                    ))}
                    {ticks.length === 0 && <li>The schedule has no tick between these instants.</li>}
                </ul>
            )}
            {error && <Failure error={error} />}
        </Dialog>
    );
}

/** An instant as a field of the browser shows it, in the zone of the machine. */
function local(instant: number): string {
    const at = new Date(instant - new Date(instant).getTimezoneOffset() * 60_000);
    return at.toISOString().slice(0, 19);
}
