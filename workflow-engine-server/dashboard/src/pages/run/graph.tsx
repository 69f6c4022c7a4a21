// The graph of a workflow, as the server has laid it out, with the states of a run.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { EdgeEnd, Layout, PlacedEdge, PlacedStage, StageView } from "../../api/types";
import { between, duration, elapsed } from "../../lib/time";
import { memo } from "../../lib/memo";
import { lookOf, Mark } from "../../parts/state";
import type { Progress } from "./use-run";

const WIDTH = 172;
const HEIGHT = 46;
const GAP_X = 44;
const GAP_Y = 14;
/** The most stages of a column that are shown. */
const MOST = 60;

interface Props {
    layout: Layout;
    stages?: StageView[] | undefined;
    progress?: ReadonlyMap<string, Progress>;
    selected?: string | undefined;
    /** Stages that an action would run; the others are dimmed. */
    lit?: ReadonlySet<string>;
    onSelect?: (stage: string | undefined) => void;
    follows?: boolean;
}

export const columnX = (column: number): number => column * (WIDTH + GAP_X);
const rowY = (row: number): number => row * (HEIGHT + GAP_Y) + HEIGHT / 2;

/** What a column folds away, and where. */
interface Fold {
    hidden: ReadonlySet<string>;
    byColumn: { column: number; row: number; ids: string[] }[];
    rows: number;
}

function fold(layout: Layout, isUnfolded: boolean): Fold {
    const hidden = new Set<string>();
    const byColumn: Fold["byColumn"] = [];
    if (!isUnfolded && layout.rows > MOST) {
        for (let column = 0; column < layout.columns; column += 1) {
            const ids = layout.stages
                .filter((stage) => stage.column === column && stage.row >= MOST - 1)
                .map((stage) => stage.stage_id);
            if (ids.length < 2) continue;
            for (const id of ids) hidden.add(id);
            byColumn.push({ column, row: MOST - 1, ids });
        }
    }
    return { hidden, byColumn, rows: hidden.size > 0 ? MOST : layout.rows };
}

export function Graph({ layout, stages, progress, selected, lit, onSelect, follows }: Props) {
    const [isUnfolded, setUnfolded] = useState(false);
    const box = useRef<HTMLDivElement>(null);
    const folded = useMemo(() => fold(layout, isUnfolded), [layout, isUnfolded]);
    const byId = useMemo(() => new Map(stages?.map((stage) => [stage.id, stage])), [stages]);
    const columns = useMemo(() => columnsOf(layout, folded.hidden), [layout, folded]);
    const width = columnX(layout.columns) - GAP_X;
    const height = folded.rows * (HEIGHT + GAP_Y) - GAP_Y;
    useFollow(box, layout, byId, follows ?? false);
    const status = (id: string): string => byId.get(id)?.status ?? "PENDING";
    // The nodes are drawn again only when their own stage changes.
    const latest = useRef(onSelect);
    latest.current = onSelect;
    const select = useCallback((id: string | undefined) => latest.current?.(id), []);
    const ends = useMemo(() => layout.stages.map((stage) => ENDS[byId.get(stage.stage_id)?.status ?? ""] ?? "-").join(""), [layout, byId]);
    return (
        <div class="graph" ref={box} tabIndex={0} role="group" aria-label="Graph of the stages; the tab Stages has them as a table">
            <div class="graph-canvas" style={{ width: `${width}px`, height: `${height}px` }}>
                <Edges layout={layout} hidden={folded.hidden} ends={ends} width={width} height={height} />
                {selected !== undefined && <Requirements layout={layout} hidden={folded.hidden} selected={selected} />}
                {columns.map((places, column) => (
                    <Column
                        key={column}
                        places={places}
                        byId={byId}
                        hasRun={stages !== undefined}
                        progress={progress}
                        selected={places.some((place) => place.stage_id === selected) ? selected : undefined}
                        lit={lit}
                        onSelect={select}
                    />
                ))}
                {folded.byColumn.map(({ column, row, ids }) => (
                    <button
                        key={column}
                        type="button"
                        class="node more-node"
                        style={{ left: `${columnX(column)}px`, top: `${rowY(row) - HEIGHT / 2}px` }}
                        onClick={() => setUnfolded(true)}
                    >
                        {foldedText(ids.map(status))}
                    </button>
                ))}
            </div>
        </div>
    );
}

/** The stages of each column that are shown. */
function columnsOf(layout: Layout, hidden: ReadonlySet<string>): PlacedStage[][] {
    const columns: PlacedStage[][] = Array.from({ length: layout.columns }, () => []);
    for (const place of layout.stages) if (!hidden.has(place.stage_id)) columns[place.column]?.push(place);
    return columns;
}

interface ColumnProps {
    places: readonly PlacedStage[];
    byId: ReadonlyMap<string, StageView>;
    hasRun: boolean;
    progress: ReadonlyMap<string, Progress> | undefined;
    /** The selected stage, if it is in this column: a selection draws two columns of a large graph, and not all. */
    selected: string | undefined;
    lit: ReadonlySet<string> | undefined;
    onSelect: (stage: string | undefined) => void;
}

const Column = memo(function Column({ places, byId, hasRun, progress, selected, lit, onSelect }: ColumnProps) {
    return (
        <>
            {places.map((place) => (
                <Node
                    key={place.stage_id}
                    id={place.stage_id}
                    name={place.name}
                    left={columnX(place.column)}
                    top={rowY(place.row) - HEIGHT / 2}
                    stage={byId.get(place.stage_id)}
                    hasRun={hasRun}
                    progress={progress?.get(place.stage_id)}
                    isSelected={selected === place.stage_id}
                    runs={place.child_workflow_id ?? undefined}
                    isDim={lit !== undefined && !lit.has(place.stage_id)}
                    onSelect={onSelect}
                />
            ))}
        </>
    );
});

/** How a stage has ended, as far as its edges show it: nothing flows to or from a skipped one. */
const ENDS: Record<string, string> = { COMPLETED: "d", SKIPPED: "s" };

interface EdgesProps {
    layout: Layout;
    hidden: ReadonlySet<string>;
    /** For each stage a letter: see `ENDS`. */
    ends: string;
    width: number;
    height: number;
}

const Edges = memo(function Edges({ layout, hidden, ends, width, height }: EdgesProps) {
    const paths = useMemo(() => layout.edges.map((edge) => pathOf(layout, edge)), [layout]);
    return (
        <svg width={width} height={height} aria-hidden="true">
            {layout.edges.map((edge, index) => {
                if (edge.is_requirement || stagesOf(layout, edge).some((id) => hidden.has(id))) return null;
                const [from, to] = [edge.from, edge.to].map((end) => ("stage" in end ? ends[end.stage] : "-"));
                const look = from === "s" || to === "s" ? "edge skipped" : from === "d" ? "edge done" : "edge";
                return <path key={index} class={look} d={paths[index] ?? ""} />;
            })}
        </svg>
    );
});

/** What the selected stage reads from others than its predecessors, and who reads it so. */
function Requirements({ layout, hidden, selected }: { layout: Layout; hidden: ReadonlySet<string>; selected: string }) {
    const shown = layout.edges.filter((edge) => {
        const ids = stagesOf(layout, edge);
        return edge.is_requirement && ids.includes(selected) && !ids.some((id) => hidden.has(id));
    });
    return (
        <svg aria-hidden="true">
            {shown.map((edge, index) => (
                <path key={index} class="edge requirement" d={pathOf(layout, edge)} />
            ))}
        </svg>
    );
}

const stagesOf = (layout: Layout, edge: PlacedEdge): string[] =>
    [edge.from, edge.to].flatMap((end) => ("stage" in end ? (layout.stages[end.stage]?.stage_id ?? []) : []));

function foldedText(statuses: string[]): string {
    const parts = [`${statuses.length} more`];
    const words = [
        ["FAILED", "failed"],
        ["RUNNING", "running"],
        ["SUSPENDED", "waiting"],
    ] as const;
    for (const [status, word] of words) {
        const count = statuses.filter((other) => other === status).length;
        if (count > 0) parts.push(`${count} ${word}`);
    }
    return parts.join(", ");
}

interface NodeProps {
    id: string;
    name: string;
    left: number;
    top: number;
    stage: StageView | undefined;
    hasRun: boolean;
    progress: Progress | undefined;
    isSelected: boolean;
    /** The workflow that the stage is. */
    runs: string | undefined;
    isDim: boolean;
    onSelect?: ((stage: string | undefined) => void) | undefined;
}

const Node = memo(function Node({ id, name, left, top, stage, hasRun, progress, isSelected, runs, isDim, onSelect }: NodeProps) {
    const isRetrying = stage?.status === "PENDING" && stage.error !== null && stage.waiting_on === 0;
    const look = lookOf(isRetrying ? "retrying" : (stage?.status ?? "PENDING"));
    const tone = hasRun ? `tone-${look.tone} is-${look.shape}` : "";
    const word = hasRun ? look.word : "";
    const reported = stage?.status === "RUNNING" ? progress : undefined;
    return (
        <button
            type="button"
            class={`node ${tone}${runs === undefined ? "" : " is-workflow"}${isDim ? " dim" : ""}`}
            style={{ left: `${left}px`, top: `${top}px` }}
            aria-pressed={isSelected}
            data-stage={id}
            title={runs !== undefined ? `${name}: a run of ${runs}` : name === id ? undefined : name}
            onClick={() => onSelect?.(isSelected ? undefined : id)}
        >
            <span class="node-name">
                {hasRun && <Mark shape={look.shape} />}
                <span class="ellipsis">{id}</span>
            </span>
            <span class="node-meta num">
                {word}
                {stage !== undefined && stage.attempt > 1 && ` · attempt ${stage.attempt}`}
                {stage?.status === "COMPLETED" && stage.started_at && ` · ${duration(between(stage.started_at, stage.completed_at))}`}
                {stage?.status === "RUNNING" && stage.started_at && <Elapsed from={stage.started_at} />}
            </span>
            {reported !== undefined && (
                <span class="node-progress" title={reported.message}>
                    <i style={{ width: `${Math.round(Math.min(1, Math.max(0, reported.fraction)) * 100)}%` }} />
                </span>
            )}
        </button>
    );
});

function Elapsed({ from }: { from: string }) {
    return <> · {elapsed(between(from, null))}</>;
}

function pathOf(layout: Layout, edge: PlacedEdge): string {
    const start = pointOf(layout, edge.from, true);
    const end = pointOf(layout, edge.to, false);
    if (edge.is_requirement) {
        const bend = Math.max(40, (end.x - start.x) / 3);
        return `M${start.x} ${start.y + 12}C${start.x + bend} ${start.y + 40} ${end.x - bend} ${end.y + 40} ${end.x} ${end.y + 12}`;
    }
    const steps = [start];
    if (edge.row !== undefined && edge.row !== null && "stage" in edge.from) {
        const y = rowY(edge.row);
        const from = layout.stages[edge.from.stage]?.column ?? 0;
        const to = "stage" in edge.to ? (layout.stages[edge.to.stage]?.column ?? 0) : (layout.junctions[edge.to.junction]?.before_column ?? 0);
        steps.push({ x: columnX(from + 1), y }, { x: columnX(to) - GAP_X, y });
    }
    steps.push(end);
    let path = `M${start.x} ${start.y}`;
    for (let index = 1; index < steps.length; index += 1) {
        const a = steps[index - 1] ?? start;
        const b = steps[index] ?? end;
        const half = (b.x - a.x) / 2;
        path += a.y === b.y ? `H${b.x}` : `C${a.x + half} ${a.y} ${b.x - half} ${b.y} ${b.x} ${b.y}`;
    }
    return path;
}

function pointOf(layout: Layout, end: EdgeEnd, isStart: boolean): { x: number; y: number } {
    if ("stage" in end) {
        const stage = layout.stages[end.stage];
        return { x: columnX(stage?.column ?? 0) + (isStart ? WIDTH : 0), y: rowY(stage?.row ?? 0) };
    }
    const junction = layout.junctions[end.junction];
    return { x: columnX(junction?.before_column ?? 0) - GAP_X / 2, y: rowY(junction?.row ?? 0) };
}

/** Keeps the first running column in view until the user scrolls. */
function useFollow(box: { current: HTMLDivElement | null }, layout: Layout, byId: Map<string, StageView>, isOn: boolean): void {
    const byHand = useRef(false);
    const column = useMemo(
        () =>
            layout.stages.reduce((least, place) => {
                const status = byId.get(place.stage_id)?.status;
                const isOpen = status === "RUNNING" || status === "FAILED" || status === "SUSPENDED";
                return isOpen ? Math.min(least, place.column) : least;
            }, Number.POSITIVE_INFINITY),
        [layout, byId],
    );
    useEffect(() => {
        const element = box.current;
        const stop = (): void => {
            byHand.current = true;
        };
        element?.addEventListener("wheel", stop, { passive: true });
        element?.addEventListener("pointerdown", stop);
        return () => {
            element?.removeEventListener("wheel", stop);
            element?.removeEventListener("pointerdown", stop);
        };
    }, []);
    useEffect(() => {
        if (!isOn || byHand.current || !Number.isFinite(column)) return;
        box.current?.scrollTo({ left: Math.max(0, columnX(column) - WIDTH), behavior: "smooth" });
    }, [isOn, column]);
}
