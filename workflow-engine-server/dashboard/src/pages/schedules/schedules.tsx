// What starts runs by a clock: the next ticks, pauses, triggers and backfills.
import { useState } from "preact/hooks";
import { type ApiError, post, segment } from "../../api/client";
import type { ScheduleInfo, Triggered } from "../../api/types";
import { href } from "../../lib/base";
import { clock, full } from "../../lib/time";
import { useTitle } from "../../lib/title";
import { Empty, Failure, shortId } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { State } from "../../parts/state";
import { say } from "../../parts/toast";
import { mayOperate } from "../../session";
import { PagedTable } from "../run/history";
import { BackfillDialog } from "./backfill";

type Act = { kind: "pause" | "resume" | "trigger" | "backfill"; id: string };

/** The states of the runs that look like those of schedules. */
const LOOKS = { ACTIVE: "completed", PAUSED: "skipped", BLOCKED: "waiting", REFUSED: "failed", OVERDUE: "failed", ENDED: "cancelled" };
const WORDS = { ACTIVE: "Active", PAUSED: "Paused", BLOCKED: "Waits for a run", REFUSED: "Refused", OVERDUE: "Overdue", ENDED: "Ended" };

const EXAMPLE = `let nightly = Schedule::cron("nightly", "30 2 * * *").zone("Europe/Berlin").start::<Report>(input)?;
engine.schedules().put(nightly).await?;`;

export function SchedulesPage() {
    useTitle("Schedules");
    const [version, setVersion] = useState(0);
    const [act, setAct] = useState<Act | undefined>(undefined);
    const done = (): void => {
        setAct(undefined);
        setVersion(version + 1);
    };
    return (
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>Schedules</h1>
                    <p class="lead">What starts runs by a clock. Each tick starts one run, however many processes there are.</p>
                </div>
            </header>
            <PagedTable<ScheduleInfo>
                path="/schedules"
                version={version}
                caption="Schedules by id"
                empty={<Empty title="There are no schedules" code={EXAMPLE} />}
                head={
                    <>
                        <th>Schedule</th>
                        <th>Workflow</th>
                        <th>State</th>
                        <th>Next ticks</th>
                        <th>Last run</th>
                        {mayOperate.value && <th class="end">Steer</th>}
                    </>
                }
                row={(info) => <Row key={info.schedule.id} info={info} onAct={setAct} />}
            />
            {act?.kind === "backfill" && <BackfillDialog id={act.id} onClose={() => setAct(undefined)} onDone={done} />}
            {act && act.kind !== "backfill" && <ActDialog kind={act.kind} id={act.id} onClose={() => setAct(undefined)} onDone={done} />}
        </div>
    );
}

function Row({ info, onAct }: { info: ScheduleInfo; onAct: (act: Act) => void }) {
    const { schedule, state } = info;
    const button = (kind: Act["kind"], word: string) => (
        <button type="button" class="button small" onClick={() => onAct({ kind, id: schedule.id })} aria-label={`${word} ${schedule.id}`}>
            {word}
        </button>
    );
    return (
        <tr>
            <td>
                <strong>{schedule.id}</strong>
                <div class="muted">{whenOf(info)}</div>
            </td>
            <td>
                <a href={href(`workflows/${segment(schedule.workflow_id)}`)}>{schedule.workflow_id}</a>
            </td>
            <td>
                <State of={LOOKS[info.status]} word={WORDS[info.status]} />
                {info.reason && <div class="help">{info.reason}</div>}
            </td>
            <td>
                {info.next.map((tick) => (
                    <time key={tick} dateTime={tick} title={full(tick)} class="block nowrap num">
                        {clock(tick)}
                    </time>
                ))}
            </td>
            <td>
                {state.last && (
                    <a class="mono" href={href(`runs/${state.last.run_id}`)}>
                        {shortId(state.last.run_id)}
                    </a>
                )}
            </td>
            {mayOperate.value && (
                <td class="end">
                    <span class="row steer">
                        {info.status === "PAUSED" ? button("resume", "Resume") : button("pause", "Pause")}
                        {button("trigger", "Trigger")}
                        {button("backfill", "Backfill")}
                    </span>
                </td>
            )}
        </tr>
    );
}

function whenOf({ schedule }: ScheduleInfo): string {
    if (schedule.cron) return `${schedule.cron} ${schedule.zone ?? "UTC"}`;
    return `every ${(schedule.every_ms ?? 0) / 1_000} s`;
}

/** Also over plain HTTP, where a browser has no `randomUUID`. */
const randomKey = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const TITLES = { pause: "Pause", resume: "Resume", trigger: "Start a run of" };
const TEXTS = {
    pause: "It starts no runs by itself until it is resumed, also for a tick that is due. Its runs continue.",
    resume: "It continues with its next tick. The ticks of the pause are not caught up; a backfill starts their runs.",
    trigger: "A run starts now. Its ticks stay as they are.",
};

interface ActProps {
    kind: "pause" | "resume" | "trigger";
    id: string;
    onClose: () => void;
    onDone: () => void;
}

function ActDialog({ kind, id, onClose, onDone }: ActProps) {
    const [reason, setReason] = useState("");
    const [error, setError] = useState<ApiError | undefined>(undefined);
    // The same for each click on the button, so that two of them start one run.
    const [key] = useState(randomKey);
    const submit = (): void => {
        const headers = kind === "trigger" ? { "Idempotency-Key": key } : undefined;
        const body = kind === "pause" ? { reason: reason || undefined } : {};
        post<Triggered | object>(`/schedules/${segment(id)}/${kind}`, body, headers)
            .then((answer) => {
                say("run_id" in answer ? `Run ${shortId(answer.run_id)} is started` : `${id} is ${kind}d`);
                onDone();
            })
            .catch(setError);
    };
    return (
        <Dialog
            title={`${TITLES[kind]} ${id}`}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary">
                    {TITLES[kind]} {id}
                </button>
            }
        >
            <p>{TEXTS[kind]}</p>
            {kind === "pause" && (
                <label class="field">
                    <span>Reason</span>
                    <input type="text" class="control" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
                </label>
            )}
            {error && <Failure error={error} />}
        </Dialog>
    );
}
