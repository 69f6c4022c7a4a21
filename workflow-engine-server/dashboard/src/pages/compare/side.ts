// One side of a comparison: a run, in its newest generation or in an earlier one.
import { get, segment } from "../../api/client";
import type { AttemptRecord, RunDetail, StageTimeline, StageView, Timeline } from "../../api/types";
import { between } from "../../lib/time";

export interface Side {
    detail: RunDetail;
    generation: number;
    isNewest: boolean;
    /** The phase or status. */
    state: string;
    startedAt: string | null;
    endedAt: string | null;
    error: string | null;
    /** In US dollars. */
    cost: number;
    stages: ReadonlyMap<string, SideStage>;
}

export interface SideStage {
    state: string;
    milliseconds: number | undefined;
    attempts: number;
    /** In US dollars. */
    cost: number;
    /** The generation in which it ran; an earlier one where a rerun has kept its output. */
    generation: number;
    /** Whether the output that is stored is that of this side. */
    hasOutput: boolean;
}

export const dollars = (amount: string): number => Number(amount.replace(/ USD$/, ""));

/** Reads a side; without a generation, or with one that the run does not have, its newest one. */
export async function readSide(id: string, generation: number | undefined, signal: AbortSignal): Promise<Side> {
    const path = `/runs/${segment(id)}`;
    const detail = await get<RunDetail>(path, signal);
    if (generation === undefined || generation >= detail.run.generation || generation < 1) return newest(detail);
    return earlier(detail, await get<Timeline>(`${path}/timeline`, signal), generation);
}

function newest(detail: RunDetail): Side {
    const { run, stages } = detail;
    const side = (stage: StageView): SideStage => ({
        state: stage.status,
        milliseconds: stage.started_at && stage.completed_at ? between(stage.started_at, stage.completed_at) : undefined,
        attempts: stage.attempt,
        cost: dollars(stage.costs.cost),
        generation: stage.generation,
        hasOutput: stage.has_output,
    });
    return {
        detail,
        generation: run.generation,
        isNewest: true,
        state: run.phase,
        startedAt: run.started_at,
        endedAt: run.completed_at,
        error: run.error?.message ?? null,
        cost: dollars(run.costs.cost),
        stages: new Map(stages.map((stage) => [stage.id, side(stage)])),
    };
}

/** An earlier generation is what its events say. */
function earlier(detail: RunDetail, timeline: Timeline, generation: number): Side {
    const its = timeline.generations.find((other) => other.number === generation);
    const stages = new Map<string, SideStage>();
    for (const stage of timeline.stages) {
        const view = detail.stages.find((other) => other.id === stage.stage_id);
        stages.set(stage.stage_id, stageOf(stage, generation, view));
    }
    return {
        detail,
        generation,
        isNewest: false,
        state: its?.status ?? "unknown",
        startedAt: its?.started_at ?? null,
        endedAt: its?.ended_at ?? null,
        error: its?.error ?? null,
        cost: [...stages.values()].filter((stage) => stage.generation === generation).reduce((sum, stage) => sum + stage.cost, 0),
        stages,
    };
}

function stageOf(stage: StageTimeline, generation: number, view: StageView | undefined): SideStage {
    const known = stage.attempts.filter((attempt) => attempt.generation <= generation && !attempt.is_check);
    const own = Math.max(0, ...known.map((attempt) => attempt.generation));
    const attempts = known.filter((attempt) => attempt.generation === own);
    const last: AttemptRecord | undefined = attempts.at(-1);
    return {
        state: last?.outcome ?? "pending",
        milliseconds: last?.started_at && last.ended_at ? between(last.started_at, last.ended_at) : undefined,
        attempts: last?.number ?? 0,
        cost: attempts.reduce((sum, attempt) => sum + dollars(attempt.cost), 0),
        generation: own === 0 ? generation : own,
        hasOutput: view !== undefined && view.has_output && view.generation === own,
    };
}
