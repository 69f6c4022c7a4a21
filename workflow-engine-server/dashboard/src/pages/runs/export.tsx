// All runs that match, as a file.
import { useState } from "preact/hooks";
import { ApiError, get, query } from "../../api/client";
import type { ListedRun, Page } from "../../api/types";
import { compact } from "../../lib/exact";
import { csv, save } from "../../lib/files";
import { say } from "../../parts/toast";

/** The most runs of a file; the command line has no such limit. */
const MOST = 10_000;

interface Props {
    parameters: Record<string, string | string[]>;
}

export function ExportMenu({ parameters }: Props) {
    const [isBusy, setBusy] = useState(false);
    const read = async (write: (runs: ListedRun[]) => void): Promise<void> => {
        setBusy(true);
        try {
            const runs: ListedRun[] = [];
            let after: string | undefined;
            do {
                const page = await get<Page<ListedRun>>(`/runs${query({ ...parameters, limit: 200, after })}`);
                runs.push(...page.items);
                after = page.next ?? undefined;
            } while (after !== undefined && runs.length < MOST);
            write(runs);
            const more = after === undefined ? "" : "; there are more, which `wfe runs list` returns";
            say(`${runs.length.toLocaleString("en")} runs${more}`);
        } catch (error) {
            say(error instanceof ApiError ? error.message : String(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <span class="row">
            <button
                type="button"
                class="button small"
                disabled={isBusy}
                onClick={() => void read((runs) => save("runs.csv", "text/csv", toCsv(runs)))}
            >
                CSV
            </button>
            <button
                type="button"
                class="button small"
                disabled={isBusy}
                onClick={() =>
                    void read((runs) =>
                        save("runs.ndjson", "application/x-ndjson", runs.map((run) => `${compact(run)}\n`).join("")),
                    )
                }
            >
                NDJSON
            </button>
        </span>
    );
}

function toCsv(runs: ListedRun[]): string {
    const head = ["id", "workflow", "phase", "created_at", "started_at", "completed_at", "generation", "cost", "error_code", "error", "tags"];
    const rows = runs.map((run) => [
        run.id,
        run.workflow_id,
        run.phase,
        run.created_at,
        run.started_at ?? "",
        run.completed_at ?? "",
        String(run.generation),
        run.costs.cost,
        run.error?.code ?? "",
        run.error?.message ?? "",
        Object.entries(run.tags)
            .map(([key, value]) => `${key}=${value}`)
            .join(" "),
    ]);
    return csv([head, ...rows]);
}
