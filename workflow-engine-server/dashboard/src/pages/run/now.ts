// One sentence: what happens now, or why nothing does, and what helps.
import type { RunDetail, StageView, Timeline, WorkerStatus } from "../../api/types";
import { between, clock, duration, elapsed, now, relative } from "../../lib/time";
import { plural } from "../../parts/basics";
import type { Tone } from "../../parts/state";
import { mayOperate } from "../../session";

export interface Now {
    tone: Tone;
    /** The sentence. */
    says: string;
    /** What helps, where anything does. */
    helps?: string;
    /** The stage that the sentence is about. */
    stage?: string;
    /** The stage that waits for a run. */
    awaits?: { id: string; generation: number };
    /** A text that is not ours: an error. */
    quote?: string;
}

const named = (stages: readonly StageView[]): string => {
    const names = stages.slice(0, 3).map((stage) => stage.id);
    const rest = stages.length - names.length;
    const list = names.length > 1 && rest === 0 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names.join(", ");
    return rest > 0 ? `${list} and ${rest} more` : list;
};

/** Some stages, by id. */
type Stages = { has: (stage: string) => boolean };

/** The stages that wait for the end of a run that they have started. */
export function awaiting(timeline: Timeline | undefined): ReadonlySet<string> {
    const waits = timeline?.stages.filter((stage) => stage.waits.some((wait) => wait.reason === "child" && wait.to === null));
    return new Set(waits?.map((stage) => stage.stage_id));
}

export function describe(
    detail: RunDetail,
    timeline: Timeline | undefined,
    workers: WorkerStatus[] | undefined,
    asking: Stages,
    awaits: Stages,
): Now {
    const { run, stages } = detail;
    if (run.status === "COMPLETED") return completed(detail);
    if (run.status === "FAILED") return failed(detail);
    if (run.status === "CANCELLED") {
        const when = run.completed_at === null ? "" : ` ${relative(run.completed_at)}`;
        const why = run.cancel_reason ? `: ${run.cancel_reason}` : ", without a reason";
        return { tone: "quiet", says: `Cancelled${when}${why}.`, helps: "Rerun it to continue, or fork it with other values." };
    }
    const alive = workers?.filter((worker) => worker.state === "running" || worker.state === "unknown");
    const able = alive?.filter((worker) => worker.definitions.includes(run.definition));
    const reason = detail.blocked_reason;
    if (reason?.code === "BUDGET_EXCEEDED") {
        const stage = stages.find((stage) => stage.awaited_cost !== null)?.id;
        return {
            tone: "waiting",
            says: `Stands still: ${stage ?? "a stage"} needs more than the budget allows.`,
            quote: reason.message,
            helps: "Raise the budget, and it continues at once.",
            ...(stage !== undefined && { stage }),
        };
    }
    // The server names what it lacks itself; other processes may have it.
    const stuck: Now | undefined =
        able === undefined || able.length > 0
            ? undefined
            : {
                  tone: "waiting",
                  says: "Stands still: no worker that is alive can execute it.",
                  helps:
                      alive?.length === 0
                          ? "Start a process that has registered this workflow; the run continues by itself."
                          : "The workers that are alive have not registered this version of the workflow: start one that has, and the run continues by itself.",
              };
    const running = stages.filter((stage) => stage.status === "RUNNING");
    if (stuck !== undefined && running.length === 0 && stages.every((stage) => stage.status !== "SUSPENDED")) return stuck;
    if (run.status === "PENDING" && run.due_at !== null && Date.parse(run.due_at) > now.value) {
        return { tone: "quiet", says: `Starts at ${clock(run.due_at)}, ${relative(run.due_at)}.` };
    }
    if (run.status === "PENDING") {
        const since = elapsed(between(run.created_at, null));
        const says = `In the queue for ${since}: the workers have other work first.`;
        return { tone: "quiet", says, helps: "More workers, more slots or a higher priority shorten the wait." };
    }
    if (running.length > 0) return runs(running, timeline, workers);
    const retry = backoff(stages, timeline);
    if (retry !== undefined) return retry;
    const delayed = delay(stages, timeline);
    if (delayed !== undefined) return delayed;
    const ready = stages.filter((stage) => stage.status === "PENDING" && stage.waiting_on === 0);
    if (ready.length > 0) {
        return { tone: "quiet", says: `${named(ready)}: ready, and waits for a free slot of a worker.` };
    }
    const suspended = stages.filter((stage) => stage.status === "SUSPENDED");
    const first = suspended[0];
    if (first !== undefined) return waits(suspended, first, timeline, asking, awaits);
    return { tone: "running", says: "The next stages begin." };
}

function completed({ run, stages }: RunDetail): Now {
    const took = run.started_at === null || run.completed_at === null ? "" : ` in ${duration(between(run.started_at, run.completed_at))}`;
    const retried = stages.filter((stage) => stage.attempt > 1).length;
    const after = retried === 0 ? "" : `, ${plural(retried, "stage")} after a retry`;
    return { tone: "completed", says: `Completed${took}${after}.` };
}

function failed({ run, stages }: RunDetail): Now {
    const stage = stages.find((stage) => stage.status === "FAILED");
    if (stage === undefined) {
        return {
            tone: "failed",
            says: `Failed: ${run.error?.code ?? "without a reason"}.`,
            ...(run.error && { quote: run.error.message }),
        };
    }
    const attempts = plural(stage.attempt, "attempt");
    return {
        tone: "failed",
        says: `Failed at ${stage.id}, after ${attempts}.`,
        helps:
            run.error?.code === "BUDGET_EXCEEDED"
                ? "Raise the budget, then rerun from that stage."
                : "Mend the cause, then rerun from that stage. To change its input or configuration, fork the run.",
        stage: stage.id,
        ...((stage.error ?? run.error?.message) && { quote: stage.error ?? run.error?.message ?? "" }),
    };
}

function runs(running: StageView[], timeline: Timeline | undefined, workers: WorkerStatus[] | undefined): Now {
    const first = running[0];
    const since = first?.started_at ? ` for ${elapsed(between(first.started_at, null))}` : "";
    const attempt = running.length === 1 && first !== undefined && first.attempt > 1 ? `, attempt ${first.attempt}` : "";
    const now: Now = { tone: "running", says: `Runs ${named(running)}${attempt}${since}.` };
    for (const stage of running) {
        const attempts = timeline?.stages.find((other) => other.stage_id === stage.id)?.attempts;
        const number = attempts?.findLast((other) => other.outcome === "running")?.worker;
        const worker = workers?.find((other) => other.number === number);
        if (worker?.state === "gone") {
            return {
                tone: "waiting",
                says: `The worker of ${stage.id} is gone; another one takes over when its lease ends.`,
                helps: "Nothing is lost, and nothing needs to be done.",
                stage: stage.id,
            };
        }
    }
    return now;
}

function backoff(stages: StageView[], timeline: Timeline | undefined): Now | undefined {
    const stage = stages.find((stage) => stage.status === "PENDING" && stage.waiting_on === 0 && stage.error !== null);
    if (stage === undefined) return undefined;
    const waits = timeline?.stages.find((other) => other.stage_id === stage.id)?.waits;
    const due = waits?.findLast((wait) => wait.reason === "backoff")?.to;
    const when = due === null || due === undefined ? "soon" : Date.parse(due) <= now.value ? "now" : `at ${clock(due)}, ${relative(due)}`;
    return {
        tone: "waiting",
        says: `Attempt ${stage.attempt} of ${stage.id} failed; the next one begins ${when}.`,
        stage: stage.id,
        ...(stage.error !== null && { quote: stage.error }),
    };
}

function delay(stages: StageView[], timeline: Timeline | undefined): Now | undefined {
    for (const stage of stages) {
        if (stage.status !== "PENDING" || stage.waiting_on > 0) continue;
        const waits = timeline?.stages.find((other) => other.stage_id === stage.id)?.waits;
        const due = waits?.findLast((wait) => wait.reason === "delay")?.to;
        if (due === null || due === undefined || Date.parse(due) <= now.value) continue;
        return { tone: "waiting", says: `${stage.id} begins at ${clock(due)}, ${relative(due)}: the workflow delays it.`, stage: stage.id };
    }
    return undefined;
}

function waits(suspended: StageView[], first: StageView, timeline: Timeline | undefined, asking: Stages, awaits: Stages): Now {
    if (suspended.every((stage) => awaits.has(stage.id))) {
        const one = suspended.length === 1;
        return {
            tone: "waiting",
            says: `${named(suspended)} ${one ? "waits" : "wait"} for the ${one ? "run that it has" : "runs that they have"} started.`,
            helps: `This run continues by itself when ${one ? "that one ends" : "those end"}.`,
            stage: first.id,
            awaits: first,
        };
    }
    const open = timeline?.stages
        .find((other) => other.stage_id === first.id)
        ?.waits.findLast((wait) => wait.reason === "external" && wait.to === null);
    const since = open === undefined ? "" : ` for ${elapsed(between(open.from, null))}`;
    const until = first.max_wait_until === null ? "" : ` It times out ${relative(first.max_wait_until)}.`;
    const questions = suspended.filter((stage) => asking.has(stage.id));
    const question = questions[0];
    if (question !== undefined && questions.length === suspended.length) {
        const verb = questions.length === 1 ? "waits" : "wait";
        const asked = open === undefined ? "" : ` The question is ${elapsed(between(open.from, null))} old.`;
        return {
            tone: "waiting",
            says: `${named(questions)} ${verb} for an answer.${asked}${until}`,
            helps: mayOperate.value ? "Answer below, and the run continues at once." : "Someone who may operate the run can answer.",
            stage: question.id,
        };
    }
    const verb = suspended.length === 1 ? "has" : "have";
    return {
        tone: "waiting",
        says: `${named(suspended)} ${verb} been waiting for something outside${since}.${until}`,
        helps: "Wake the stage to check now; it holds no worker meanwhile.",
        stage: first.id,
    };
}
