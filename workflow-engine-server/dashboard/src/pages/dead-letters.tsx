// Events that a plugin could not take, and their replay.
import { useState } from "preact/hooks";
import { ApiError, post } from "../api/client";
import type { DeadLetter, Page, Replayed } from "../api/types";
import { href } from "../lib/base";
import { useLoad } from "../lib/load";
import { useTitle } from "../lib/title";
import { Ago, Empty, Failure, plural, shortId } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { say } from "../parts/toast";
import { mayOperate } from "../session";
import { PagedTable } from "./run/history";

export function DeadLettersPage() {
    useTitle("Dead letters");
    const [version, setVersion] = useState(0);
    const [replay, setReplay] = useState<{ plugin: string | undefined; limit: number | undefined } | undefined>(undefined);
    const letters = useLoad<Page<DeadLetter>>("/dead-letters?limit=200");
    const plugins = [...new Set(letters.data?.items.map((letter) => letter.plugin))];
    return (
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>Dead letters</h1>
                    <p class="lead">Events that a plugin refused until its attempts were used up. A replay delivers them again, oldest first.</p>
                </div>
                {mayOperate.value && plugins.length > 0 && (
                    <div class="row">
                        {plugins.map((plugin) => (
                            <span key={plugin} class="row">
                                <button type="button" class="button" onClick={() => setReplay({ plugin, limit: 1 })}>
                                    Replay the oldest of {plugin}…
                                </button>
                                <button type="button" class="button" onClick={() => setReplay({ plugin, limit: undefined })}>
                                    Replay all of {plugin}…
                                </button>
                            </span>
                        ))}
                    </div>
                )}
            </header>
            <PagedTable<DeadLetter>
                path="/dead-letters"
                version={version}
                caption="Dead letters by plugin, oldest first"
                empty={
                    <Empty title="There are no dead letters">
                        <p>Every plugin has taken every event so far.</p>
                    </Empty>
                }
                head={
                    <>
                        <th>Plugin</th>
                        <th>Event</th>
                        <th>Run</th>
                        <th>Error</th>
                        <th class="end">Attempts</th>
                        <th class="end">At</th>
                    </>
                }
                row={(letter) => (
                    <tr key={`${letter.plugin} ${letter.event.run_id} ${letter.event.sequence}`}>
                        <td>{letter.plugin}</td>
                        <td class="nowrap">
                            {letter.event.type} <span class="muted">#{letter.event.sequence}</span>
                        </td>
                        <td>
                            <a class="mono" href={href(`runs/${letter.event.run_id}`, { tab: "events" })}>
                                {shortId(letter.event.run_id)}
                            </a>
                        </td>
                        <td class="data error-line">{letter.error}</td>
                        <td class="end">{letter.attempts}</td>
                        <td class="end">
                            <Ago at={letter.at} />
                        </td>
                    </tr>
                )}
            />
            {replay && (
                <ReplayDialog
                    {...replay}
                    known={letters.data?.items.filter((letter) => letter.plugin === replay.plugin) ?? []}
                    hasMore={Boolean(letters.data?.next)}
                    onClose={() => setReplay(undefined)}
                    onDone={() => {
                        setReplay(undefined);
                        setVersion(version + 1);
                        letters.reload();
                    }}
                />
            )}
        </div>
    );
}

interface ReplayProps {
    plugin: string | undefined;
    limit: number | undefined;
    known: DeadLetter[];
    hasMore: boolean;
    onClose: () => void;
    onDone: () => void;
}

function ReplayDialog({ plugin, limit, known, hasMore, onClose, onDone }: ReplayProps) {
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const shown = limit === undefined ? known : known.slice(0, limit);
    const count = hasMore && limit === undefined ? `${shown.length} or more events` : plural(shown.length, "event");
    const submit = (): void => {
        post<Replayed>("/dead-letters/replay", { plugin, ...(limit !== undefined && { limit }) })
            .then(({ replayed }) => {
                say(`${plural(replayed, "event")} will be delivered again`);
                onDone();
            })
            .catch(setError);
    };
    return (
        <Dialog
            title={`Replay to ${plugin}`}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary">
                    Replay {count}
                </button>
            }
        >
            <p>
                {count} will be delivered to {plugin} again. An event that fails again becomes a dead letter again.
            </p>
            <ul class="results" tabIndex={0} aria-label="The events">
                {shown.slice(0, 20).map((letter) => (
                    <li key={`${letter.event.run_id} ${letter.event.sequence}`}>
                        <span>{letter.event.type}</span>
                        <span class="mono muted">{shortId(letter.event.run_id)}</span>
                    </li>
                ))}
            </ul>
            {error && <Failure error={error} />}
        </Dialog>
    );
}
