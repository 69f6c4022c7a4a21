// What can be done with a run now. Each action shows first what it would do.
import { useEffect, useState } from "preact/hooks";
import { ApiError, post, query } from "../../api/client";
import type { Layout, Raised, Reran, RunDetail, StageView } from "../../api/types";
import { Failure, Loading, Money, plural } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { Fork } from "./fork";
import { Graph } from "./graph";

export type ActionName = "cancel" | "rerun" | "fork" | "wake" | "budget";

export interface Props {
    action: ActionName;
    stage: string | undefined;
    detail: RunDetail;
    layout: Layout | undefined;
    onClose: () => void;
    onDone: () => void;
}

/** The actions that are valid now, the most likely one first. */
export function validActions(detail: RunDetail, waitsForMore: (stage: string) => boolean): ActionName[] {
    const { run, stages } = detail;
    const isTerminal = run.completed_at !== null && ["COMPLETED", "FAILED", "CANCELLED"].includes(run.status);
    const valid: ActionName[] = [];
    if (detail.blocked_reason?.code === "BUDGET_EXCEEDED" || run.error?.code === "BUDGET_EXCEEDED") valid.push("budget");
    if (isTerminal && stages.length > 0) valid.push("rerun");
    // A stage that asks is answered, and one that waits for a run continues with it: neither is woken.
    if (stages.some((stage) => stage.status === "SUSPENDED" && !waitsForMore(stage.id))) valid.push("wake");
    if (stages.length > 0) valid.push("fork");
    if (!isTerminal) valid.push("cancel");
    if (run.costs.budget !== null && !valid.includes("budget")) valid.push("budget");
    return valid;
}

export const NAMES: Record<ActionName, string> = {
    cancel: "Cancel",
    rerun: "Rerun",
    fork: "Fork",
    wake: "Wake",
    budget: "Raise budget",
};

export function ActionDialog(props: Props) {
    switch (props.action) {
        case "cancel":
            return <Cancel {...props} />;
        case "rerun":
            return <Rerun {...props} />;
        case "fork":
            return <Fork {...props} />;
        case "wake":
            return <Wake {...props} />;
        case "budget":
            return <Budget {...props} />;
    }
}

/** Sends once at a time, and keeps the error. */
export function useAct(onDone: () => void): { error: ApiError | undefined; isBusy: boolean; act: (send: () => Promise<void>) => void } {
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [isBusy, setBusy] = useState(false);
    const act = (action: () => Promise<void>): void => {
        if (isBusy) return;
        setBusy(true);
        setError(undefined);
        action()
            .then(onDone)
            .catch((cause: unknown) => {
                setError(cause instanceof ApiError ? cause : new ApiError(0, "UNREADABLE", String(cause)));
                setBusy(false);
            });
    };
    return { error, isBusy, act };
}

function Cancel({ detail, onClose, onDone }: Props) {
    const [reason, setReason] = useState("");
    const { error, isBusy, act } = useAct(onDone);
    const open = detail.stages.filter((stage) => ["PENDING", "RUNNING", "SUSPENDED"].includes(stage.status));
    const running = open.filter((stage) => stage.status === "RUNNING");
    const submit = (): void =>
        act(async () => {
            await post(`/runs/${detail.run.id}/cancel`, reason.trim() === "" ? {} : { reason: reason.trim() });
            say("The run is cancelled");
        });
    return (
        <Dialog
            title="Cancel this run"
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy}>
                    Cancel the run
                </button>
            }
        >
            <p>
                {open.length === 0
                    ? "No stage has begun."
                    : `${plural(open.length, "stage")} will not complete${running.length > 0 ? `; ${running.map((stage) => stage.id).join(", ")} ${running.length === 1 ? "is" : "are"} stopped` : ""}.`}{" "}
                What is completed stays, and a rerun can continue from there.
            </p>
            <div class="field">
                <label for="reason">Reason</label>
                <input id="reason" class="control" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
                <p class="help">It is kept with the run, for those who ask later.</p>
            </div>
            {error && <Failure error={error} />}
        </Dialog>
    );
}

export function StageChoice({ stages, value, onChange }: { stages: StageView[]; value: string; onChange: (stage: string) => void }) {
    return (
        <div class="field">
            <label for="from-stage">From stage</label>
            <select id="from-stage" class="control" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
                {stages.filter((stage) => !isSkipped(stage)).map((stage) => (
                    <option key={stage.id} value={stage.id}>
                        {stage.id} ({stage.status.toLowerCase()})
                    </option>
                ))}
            </select>
        </div>
    );
}

/** No run begins with a stage that a `match` has skipped: its choice would be made again by the stage before. */
export const isSkipped = (stage: StageView): boolean => stage.status === "SKIPPED";

export const firstOpen = (stages: StageView[]): string =>
    (stages.find((stage) => stage.status === "FAILED") ?? stages.find((stage) => stage.status !== "COMPLETED" && !isSkipped(stage)) ?? stages[0])
        ?.id ?? "";

function Rerun({ stage, detail, layout, onClose, onDone }: Props) {
    const [from, setFrom] = useState(stage ?? firstOpen(detail.stages));
    const [plan, setPlan] = useState<Reran | undefined>(undefined);
    const [refusal, setRefusal] = useState<ApiError | undefined>(undefined);
    const { error, isBusy, act } = useAct(onDone);
    const path = `/runs/${detail.run.id}/rerun`;
    useEffect(() => {
        let isOld = false;
        setPlan(undefined);
        setRefusal(undefined);
        post<Reran>(`${path}${query({ dry_run: true })}`, { from_stage: from })
            .then((plan) => !isOld && setPlan(plan))
            .catch((cause: ApiError) => !isOld && setRefusal(cause));
        return () => {
            isOld = true;
        };
    }, [from]);
    const submit = (): void =>
        act(async () => {
            const done = await post<Reran>(path, { from_stage: from });
            say(`Generation ${done.generation} runs`);
        });
    return (
        <Dialog
            title="Rerun this run"
            isWide
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy || plan === undefined}>
                    {plan === undefined ? "Rerun" : `Rerun ${plural(plan.stages.length, "stage")}`}
                </button>
            }
        >
            <StageChoice stages={detail.stages} value={from} onChange={setFrom} />
            {refusal && <Failure error={refusal} />}
            {plan === undefined && !refusal && <Loading lines={2} />}
            {plan !== undefined && (
                <>
                    <p>
                        The run continues as generation {plan.generation}: {plural(plan.stages.length, "stage")} will run again, with the
                        same input and configuration. The other stages keep their outputs.
                    </p>
                    {layout && <Graph layout={layout} stages={detail.stages} lit={new Set(plan.stages)} />}
                </>
            )}
            {error && <Failure error={error} />}
        </Dialog>
    );
}

function Wake({ stage, detail, onClose, onDone }: Props) {
    const waiting = detail.stages.filter((other) => other.status === "SUSPENDED");
    const [chosen, setChosen] = useState(stage ?? waiting[0]?.id ?? "");
    const { error, isBusy, act } = useAct(onDone);
    const submit = (): void =>
        act(async () => {
            const { woken } = await post<{ woken: boolean }>(`/runs/${detail.run.id}/wake`, { stage: chosen });
            say(woken ? "The stage is checked now" : "The stage does not wait any more");
        });
    return (
        <Dialog
            title="Wake a stage"
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy || chosen === ""}>
                    Check now
                </button>
            }
        >
            <p>The check of the stage runs at once instead of at its next time. If it finds nothing, the stage waits on.</p>
            <StageChoice stages={waiting} value={chosen} onChange={setChosen} />
            {error && <Failure error={error} />}
        </Dialog>
    );
}

function Budget({ detail, onClose, onDone }: Props) {
    const { costs } = detail.run;
    const stage = detail.stages.find((other) => other.awaited_cost !== null);
    const ofStage = stage?.costs.budget !== null && stage?.costs.budget !== undefined && costs.budget === null;
    const current = (ofStage ? stage?.costs.budget : costs.budget) ?? "";
    const [amount, setAmount] = useState(current.replace(/ USD$/, ""));
    const { error, isBusy, act } = useAct(onDone);
    const submit = (): void =>
        act(async () => {
            const body = { budget: `${amount.trim()} USD`, ...(ofStage && { stage: stage?.id }) };
            const { resumed } = await post<Raised>(`/runs/${detail.run.id}/budget`, body);
            say(resumed > 0 ? `${plural(resumed, "stage")} continued` : "The budget is raised");
        });
    return (
        <Dialog
            title={ofStage ? `Raise the budget of ${stage?.id}` : "Raise the budget of this run"}
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy || amount.trim() === ""}>
                    Raise
                </button>
            }
        >
            <dl class="facts">
                <div>
                    <dt>Spent</dt>
                    <dd>
                        <Money amount={costs.cost} />
                    </dd>
                </div>
                <div>
                    <dt>Reserved</dt>
                    <dd>
                        <Money amount={costs.reserved} />
                    </dd>
                </div>
                {stage && (
                    <div>
                        <dt>{stage.id} needs up to</dt>
                        <dd>
                            <Money amount={stage.awaited_cost} />
                        </dd>
                    </div>
                )}
            </dl>
            <div class="field">
                <label for="amount">New budget, in US dollars</label>
                <input
                    id="amount"
                    class="control num"
                    inputMode="decimal"
                    value={amount}
                    onInput={(event) => setAmount(event.currentTarget.value)}
                />
                <p class="help">Over all generations of the run. Stages that wait for it continue at once.</p>
            </div>
            {error && <Failure error={error} />}
        </Dialog>
    );
}
