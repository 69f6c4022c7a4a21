// The question of one stage on the page of its run, and the form of its answer.
import { segment, send } from "../../api/client";
import type { StageView } from "../../api/types";
import type { Schema } from "../../form/schema";
import { type Json, parseExact } from "../../lib/exact";
import { useLoad } from "../../lib/load";
import { Ago, Failure, Loading } from "../../parts/basics";
import { mayOperate } from "../../session";
import { Answer } from "./answer";
import { Question } from "./question";

interface Props {
    run: string;
    stage: StageView;
    form: Schema;
    onOver: () => void;
}

export function Answering({ run, stage, form, onOver }: Props) {
    const question = useLoad<Json>(`/runs/${segment(run)}/stages/${segment(stage.id)}/ticket`, async (path, signal) =>
        parseExact(await (await send(path, { signal })).text()),
    );
    return (
        <section class="card" aria-label={`The question of ${stage.id}`}>
            <div class="card-head">
                <h2>{stage.id} asks</h2>
                {stage.max_wait_until && (
                    <span class="muted">
                        times out <Ago at={stage.max_wait_until} />
                    </span>
                )}
            </div>
            <div class="card-body stack answering">
                {question.error && <Failure error={question.error} />}
                {question.data === undefined ? !question.error && <Loading lines={2} /> : <Question value={question.data} />}
                {mayOperate.value && <Answer id={`${run}.${stage.id}`} form={form} onOver={onOver} />}
            </div>
        </section>
    );
}
