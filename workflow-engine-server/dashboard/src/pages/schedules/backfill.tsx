// Runs for ticks in the past, after a look at them.
import { useState } from "preact/hooks";
import { type ApiError, post, segment } from "../../api/client";
import type { Backfilled, BackfilledTick } from "../../api/types";
import { Text } from "../../form/text";
import { type Moment, readDate } from "../../lib/moment";
import { full, zoneName } from "../../lib/time";
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
    const [from, setFrom] = useState(() => written(Date.now() - DAY));
    const [to, setTo] = useState(() => written(Date.now()));
    const [ticks, setTicks] = useState<BackfilledTick[] | undefined>(undefined);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [first, last] = [readDate(from), readDate(to)];
    const count = ticks?.filter((tick) => tick.is_new).length ?? 0;
    const submit = (): void => {
        if ("wrong" in first || "wrong" in last) return;
        setError(undefined);
        const isPreview = ticks === undefined;
        const body = { from: first.at.toISOString(), to: last.at.toISOString() };
        post<Backfilled>(`/schedules/${segment(id)}/backfill${isPreview ? "?preview=true" : ""}`, body)
            .then((answer) => {
                if (isPreview) return setTicks(answer.ticks);
                say(`${plural(answer.ticks.filter((tick) => tick.is_new).length, "run")} started`);
                onDone();
            })
            .catch(setError);
    };
    const change = (set: (text: string) => void) => (text: string): void => {
        set(text);
        setTicks(undefined);
    };
    const isWrong = "wrong" in first || "wrong" in last;
    return (
        <Dialog
            title={`Backfill ${id}`}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isWrong || (ticks !== undefined && count === 0)}>
                    {ticks === undefined ? "Show the ticks" : `Start ${plural(count, "run")}`}
                </button>
            }
        >
            <p>A run starts for each tick between these instants that has none.</p>
            <Text id="backfill-from" label={`From, in ${zoneName.value}`} value={from} onChange={change(setFrom)} {...about(first)} />
            <Text id="backfill-to" label={`To, in ${zoneName.value}`} value={to} onChange={change(setTo)} {...about(last)} />
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

const about = (moment: Moment) => ("wrong" in moment ? { help: "", wrong: moment.wrong } : { help: moment.about });

/** An instant to the second, in the zone that the page shows. */
const written = (instant: number): string => full(new Date(instant).toISOString()).slice(0, 19);
