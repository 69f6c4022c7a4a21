// Forks a run: a new one takes over what was completed, with other values where the user edits them.
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { type ApiError, post, query, segment, send } from "../../api/client";
import type { Forked, RunDetail } from "../../api/types";
import { href } from "../../lib/base";
import { compact, parseExact, write } from "../../lib/exact";
import { Failure, plural } from "../../parts/basics";
import { Dialog } from "../../parts/dialog";
import { say } from "../../parts/toast";
import { firstOpen, type Props, StageChoice, useAct } from "./actions";
import { Graph } from "./graph";

export function Fork({ stage, detail, layout, onClose, onDone }: Props) {
    const { route } = useLocation();
    const [from, setFrom] = useState(stage ?? firstOpen(detail.stages));
    const [input, setInput] = useState<string | undefined>(undefined);
    const [config, setConfig] = useState<string | undefined>(undefined);
    const [output, setOutput] = useState<{ stage: string; text: string } | undefined>(undefined);
    const [plan, setPlan] = useState<Forked | undefined>(undefined);
    const [refusal, setRefusal] = useState<ApiError | string | undefined>(undefined);
    const { error, isBusy, act } = useAct(onDone);
    const path = `/runs/${segment(detail.run.id)}`;
    const isStart = detail.stages.find((other) => other.id === from)?.execution_group === 1;
    const body = (): Record<string, unknown> => ({
        from_stage: from,
        ...(isStart && input !== undefined && { input: parseExact(input) }),
        ...(config !== undefined && { config: parseExact(config) }),
        ...(output !== undefined && !isStart && { outputs: { [output.stage]: parseExact(output.text) } }),
    });
    useEffect(() => {
        let isOld = false;
        setRefusal(undefined);
        const timer = window.setTimeout(() => {
            let checked: string;
            try {
                checked = compact(body());
            } catch (cause) {
                setPlan(undefined);
                return setRefusal(cause instanceof Error ? cause.message : String(cause));
            }
            post<Forked>(`${path}/fork${query({ dry_run: true })}`, checked)
                .then((plan) => !isOld && setPlan(plan))
                .catch((cause: ApiError) => {
                    if (isOld) return;
                    setPlan(undefined);
                    setRefusal(cause);
                });
        }, 250);
        return () => {
            isOld = true;
            window.clearTimeout(timer);
        };
    }, [from, input, config, output]);
    const submit = (): void =>
        act(async () => {
            const forked = await post<Forked>(`${path}/fork`, compact(body()));
            say("The fork runs");
            if (forked.run_id !== null) route(href(`runs/${forked.run_id}`));
        });
    const load = async (route: string, set: (text: string) => void): Promise<void> => {
        const text = await (await send(`${path}/${route}`)).text();
        set(write(parseExact(text)));
    };
    return (
        <Dialog
            title="Fork this run"
            isWide
            onClose={onClose}
            onSubmit={submit}
            foot={
                <button type="submit" class="button primary" disabled={isBusy || plan === undefined || refusal !== undefined}>
                    {plan === undefined ? "Fork" : `Fork, and run ${plural(plan.stages.length, "stage")}`}
                </button>
            }
        >
            <p>A new run takes over what was completed before the stage, and runs the rest. This run stays as it is.</p>
            <StageChoice stages={detail.stages} value={from} onChange={setFrom} />
            {isStart ? (
                <Edited label="Input" text={input} onLoad={() => void load("input", setInput)} onChange={setInput} onKeep={() => setInput(undefined)} />
            ) : (
                <OutputChoice detail={detail} plan={plan} output={output} setOutput={setOutput} load={load} />
            )}
            <Edited
                label="Configuration"
                text={config}
                onLoad={() => void load("config", setConfig)}
                onChange={setConfig}
                onKeep={() => setConfig(undefined)}
            />
            {typeof refusal === "string" ? <p class="wrong">{refusal}</p> : refusal && <Failure error={refusal} />}
            {plan !== undefined && (
                <>
                    <p>
                        Takes over {plan.taken_over.length === 0 ? "nothing" : plan.taken_over.join(", ")}; runs {plan.stages.join(", ")}.
                    </p>
                    {layout && <Graph layout={layout} stages={detail.stages} lit={new Set(plan.stages)} />}
                </>
            )}
            {error && <Failure error={error} />}
        </Dialog>
    );
}

interface EditedProps {
    label: string;
    text: string | undefined;
    onLoad: () => void;
    onChange: (text: string) => void;
    onKeep: () => void;
}

/** A value that is kept, unless the user edits it. */
function Edited({ label, text, onLoad, onChange, onKeep }: EditedProps) {
    const id = `edited-${label.toLowerCase()}`;
    return (
        <div class="field">
            <div class="row spread">
                {text === undefined ? <span class="label">{label}</span> : <label for={id}>{label}</label>}
                <button type="button" class="button small" onClick={text === undefined ? onLoad : onKeep}>
                    {text === undefined ? `Edit the ${label.toLowerCase()}` : "Keep the one of this run"}
                </button>
            </div>
            {text === undefined ? (
                <p class="help">As in this run.</p>
            ) : (
                <textarea
                    id={id}
                    class="control"
                    rows={Math.min(16, text.split("\n").length + 1)}
                    spellcheck={false}
                    value={text}
                    onInput={(event) => onChange(event.currentTarget.value)}
                />
            )}
        </div>
    );
}

interface OutputProps {
    detail: RunDetail;
    plan: Forked | undefined;
    output: { stage: string; text: string } | undefined;
    setOutput: (output: { stage: string; text: string } | undefined) => void;
    load: (route: string, set: (text: string) => void) => Promise<void>;
}

function OutputChoice({ detail, plan, output, setOutput, load }: OutputProps) {
    const taken = plan?.taken_over ?? detail.stages.filter((stage) => stage.has_output).map((stage) => stage.id);
    const choose = (stage: string): void => {
        if (stage === "") setOutput(undefined);
        else void load(`stages/${segment(stage)}/output`, (text) => setOutput({ stage, text }));
    };
    return (
        <div class="field">
            <label for="edited-stage">Output of an earlier stage</label>
            <select id="edited-stage" class="control" value={output?.stage ?? ""} onChange={(event) => choose(event.currentTarget.value)}>
                <option value="">As in this run</option>
                {[...new Set([...taken, ...(output === undefined ? [] : [output.stage])])].map((stage) => (
                    <option key={stage} value={stage}>
                        Edit that of {stage}
                    </option>
                ))}
            </select>
            {output !== undefined && (
                <textarea
                    class="control"
                    aria-label={`Output of ${output.stage}`}
                    rows={Math.min(16, output.text.split("\n").length + 1)}
                    spellcheck={false}
                    value={output.text}
                    onInput={(event) => setOutput({ stage: output.stage, text: event.currentTarget.value })}
                />
            )}
        </div>
    );
}
