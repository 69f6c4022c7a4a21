// Events that a plugin could not take, and their replay.
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, post, query } from "../api/client";
import type { DeadLetter, Page, Replayed } from "../api/types";
import { href } from "../lib/base";
import { useEvery, useLoad } from "../lib/load";
import { useTitle } from "../lib/title";
import { Ago, Empty, Failure, Loading, plural, shortId } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { say } from "../parts/toast";
import { mayOperate } from "../session";
import { PagedTable } from "./run/history";

/** The most letters of one replay. */
const MOST = 1_000;

/** What a dialog replays: one letter, or those of a plugin. */
interface Wanted {
    plugin: string;
    letter?: DeadLetter;
}

export function DeadLettersPage() {
    useTitle("Dead letters");
    const [replays, setReplays] = useState(0);
    const [version, setVersion] = useState(0);
    const [replay, setReplay] = useState<Wanted | undefined>(undefined);
    const letters = useLoad<Page<DeadLetter>>("/dead-letters?limit=200");
    const plugins = [...new Set(letters.data?.items.map((letter) => letter.plugin))];
    // An event that is refused again comes back by itself.
    useEvery(3_000, () => {
        letters.reload();
        setVersion(version + 1);
    });
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
                            <button key={plugin} type="button" class="button" onClick={() => setReplay({ plugin })}>
                                Replay all of {plugin}…
                            </button>
                        ))}
                    </div>
                )}
            </header>
            <PagedTable<DeadLetter>
                key={replays}
                path="/dead-letters"
                version={version}
                caption="Dead letters by plugin, oldest first"
                empty={
                    <Empty title="There are no dead letters" code={"Engine::builder(url).register::<Ordering>().plugin(Mailer).build().await?;"}>
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
                        {mayOperate.value && <td />}
                    </>
                }
                row={(letter) => (
                    <tr key={keyOf(letter)}>
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
                        {mayOperate.value && (
                            <td class="end">
                                <button
                                    type="button"
                                    class="button small"
                                    aria-label={`Replay… ${letter.event.type} #${letter.event.sequence} of ${shortId(letter.event.run_id)} to ${letter.plugin}`}
                                    onClick={() => setReplay({ plugin: letter.plugin, letter })}
                                >
                                    Replay…
                                </button>
                            </td>
                        )}
                    </tr>
                )}
            />
            {replay && (
                <ReplayDialog
                    {...replay}
                    onClose={() => setReplay(undefined)}
                    onDone={() => {
                        setReplay(undefined);
                        setReplays(replays + 1);
                        letters.reload();
                    }}
                />
            )}
        </div>
    );
}

const keyOf = (letter: DeadLetter): string => `${letter.plugin} ${letter.event.run_id} ${letter.event.sequence}`;

interface Preview {
    letters: DeadLetter[];
    /** Whether there are more than one replay takes. */
    hasMore: boolean;
}

/** Reads the letters that a replay would take: the one that was chosen, or the oldest ones of the plugin. */
async function preview({ plugin, letter }: Wanted): Promise<Preview> {
    if (letter !== undefined) return { letters: [letter], hasMore: false };
    const letters: DeadLetter[] = [];
    let after: string | undefined;
    do {
        const page: Page<DeadLetter> = await get(`/dead-letters${query({ plugin, limit: Math.min(200, MOST - letters.length), after })}`);
        letters.push(...page.items);
        after = page.next ?? undefined;
    } while (after !== undefined && letters.length < MOST);
    return { letters, hasMore: after !== undefined };
}

function ReplayDialog({ plugin, letter, onClose, onDone }: Wanted & { onClose: () => void; onDone: () => void }) {
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [shown, setShown] = useState<Preview | undefined>(undefined);
    const [isBusy, setBusy] = useState(false);
    const read = (): void => {
        preview({ plugin, letter }).then(setShown).catch(setError);
    };
    useEffect(read, []);
    const count = shown === undefined ? "" : plural(shown.letters.length, "event");
    const submit = (): void => {
        if (shown === undefined || isBusy) return;
        setBusy(true);
        setError(undefined);
        const one = letter && { run_id: letter.event.run_id, sequence: letter.event.sequence };
        // As many as the preview shows: a letter that has come since then is younger, and stays.
        post<Replayed>("/dead-letters/replay", { plugin, ...one, limit: shown.letters.length })
            .then(({ replayed }) => {
                say(replayed === 0 ? "They are no dead letters any more" : `${plural(replayed, "event")} will be delivered again`);
                onDone();
            })
            .catch((cause: ApiError) => {
                setError(cause);
                setBusy(false);
            });
    };
    return (
        <Dialog
            title={`Replay to ${plugin}`}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy || shown === undefined || shown.letters.length === 0}>
                    Replay {count}
                </button>
            }
        >
            {shown === undefined && !error && <Loading lines={3} />}
            {shown !== undefined && (
                <>
                    <p>
                        {shown.letters.length === 0
                            ? `${plugin} has no dead letter any more.`
                            : `${count} will be delivered to ${plugin} again${letter ? "" : ", the oldest first"}. An event that fails again becomes a dead letter again.`}
                        {shown.hasMore && " There are more, which another replay takes."}
                    </p>
                    <ul class="results" tabIndex={0} aria-label="The events">
                        {shown.letters.slice(0, 20).map((letter) => (
                            <li key={keyOf(letter)}>
                                <span>{letter.event.type}</span>
                                <span class="mono muted">{shortId(letter.event.run_id)}</span>
                            </li>
                        ))}
                        {shown.letters.length > 20 && <li class="muted">and {plural(shown.letters.length - 20, "more event")}</li>}
                    </ul>
                </>
            )}
            {error && <Failure error={error} />}
        </Dialog>
    );
}
