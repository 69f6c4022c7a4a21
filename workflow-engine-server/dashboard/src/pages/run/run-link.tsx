// A link to another run.
import type { RunView } from "../../api/types";
import { href } from "../../lib/base";
import { shortId } from "../../parts/basics";

/** The workflow and the end of the id. */
export function RunLink({ run }: { run: RunView }) {
    return (
        <a href={href(`runs/${run.id}`)}>
            {run.workflow_id} <span class="mono muted">{shortId(run.id)}</span>
        </a>
    );
}
