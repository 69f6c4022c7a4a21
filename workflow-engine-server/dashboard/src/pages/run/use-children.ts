// The runs that a run has started, and what all of them cost together.
import { useEffect, useRef } from "preact/hooks";
import { segment } from "../../api/client";
import type { Page, RunCosts, RunView } from "../../api/types";
import { useEvery, useLoad } from "../../lib/load";

/** The most children that the page of a run shows; the list of runs has the others. */
const MOST = 100;

export interface Children {
    /** The newest ones. */
    items: readonly RunView[];
    hasMore: boolean;
    /** Absent without children. */
    costs: RunCosts | undefined;
}

/** Reads the children of a run, again while one of them or the run continues, and where the run changes. */
export function useChildren(id: string, isOpen: boolean, change: string): Children {
    const path = `/runs/${segment(id)}`;
    const page = useLoad<Page<RunView>>(`${path}/children?limit=${MOST}`);
    const items = page.data?.items ?? [];
    const costs = useLoad<RunCosts>(items.length > 0 ? `${path}/costs` : undefined);
    const reload = (): void => {
        page.reload();
        costs.reload();
    };
    // A commit of the run starts them, but what they do afterwards is no event of the run.
    useEvery(isOpen || items.some((run) => run.completed_at === null) ? 2_000 : undefined, reload);
    const last = useRef("");
    useEffect(() => {
        // What the page begins with is being read.
        if (last.current !== "") reload();
        last.current = change;
    }, [change]);
    return { items, hasMore: Boolean(page.data?.next), costs: costs.data };
}

/** The run for whose end a stage waits, as far as it is known. */
export const awaitedBy = (children: readonly RunView[], stage: { id: string; generation: number }): RunView | undefined =>
    children.find(
        ({ parent, completed_at: end }) =>
            parent?.is_awaited && end === null && parent.stage_id === stage.id && parent.generation === stage.generation,
    );
