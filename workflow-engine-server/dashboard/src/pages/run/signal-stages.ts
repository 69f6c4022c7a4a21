// Which stages of a run wait for a signal, and the form of each answer.
import { segment } from "../../api/client";
import type { RunDetail } from "../../api/types";
import type { Schema } from "../../form/schema";
import { useLoad } from "../../lib/load";

/** The part of a definition that says what a stage waits for. */
interface Waiting {
    stages: { id: string; wait?: { signal_schema?: Schema } | null }[];
}

/** Returns the forms by stage. The definition is read once a stage waits. */
export function useSignalStages(detail: RunDetail | undefined): ReadonlyMap<string, Schema> {
    const waits = detail?.stages.some((stage) => stage.status === "SUSPENDED") ?? false;
    const definition = useLoad<Waiting>(waits && detail !== undefined ? `/definitions/${segment(detail.run.definition)}` : undefined);
    const forms = new Map<string, Schema>();
    for (const { id, wait } of definition.data?.stages ?? []) {
        if (wait?.signal_schema !== undefined) forms.set(id, wait.signal_schema);
    }
    return forms;
}
