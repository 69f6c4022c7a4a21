// What people and programs have done from outside: who, what, when, why.
import { useState } from "preact/hooks";
import type { ActionRecord } from "../api/types";
import { href } from "../lib/base";
import { compact } from "../lib/exact";
import { useEvery } from "../lib/load";
import { useTitle } from "../lib/title";
import { clock, full } from "../lib/time";
import { Empty, shortId } from "../parts/basics";
import { seesPayloads } from "../session";
import { PagedTable } from "./run/history";

const CODE = `engine.by(Actor::new("ada").via("back office")).any_run(id).await?.cancel("sold out").await?;`;

export function ActionsPage() {
    useTitle("Actions");
    const [version, setVersion] = useState(0);
    useEvery(3_000, () => setVersion((old) => old + 1));
    return (
        <div class="page">
            <div>
                <h1>Actions</h1>
                <p class="lead">What people and programs did to runs from outside, newest first. Each is part of the commit that carried it out.</p>
            </div>
            {!seesPayloads.value ? (
                <div class="card">
                    <Empty title="Your token does not show actions">
                        <p>
                            They have reasons and values: the grant <code>read+payloads</code> shows them.
                        </p>
                    </Empty>
                </div>
            ) : (
                <PagedTable<ActionRecord>
                    path="/actions"
                    version={version}
                    caption="Actions, newest first"
                    empty={<Empty title="There are no actions yet" code={CODE} />}
                    head={
                        <>
                            <th>At</th>
                            <th>Who</th>
                            <th>Action</th>
                            <th>Run</th>
                            <th>Stage</th>
                            <th>Details</th>
                        </>
                    }
                    row={(action) => (
                        <tr key={action.id}>
                            <td class="num nowrap" title={full(action.at)}>
                                {clock(action.at)}
                            </td>
                            <td>
                                {action.by?.name ?? <span class="muted">unnamed</span>} {action.by?.via && <span class="muted">by {action.by.via}</span>}
                            </td>
                            <td>
                                <strong>{action.action}</strong>
                            </td>
                            <td>
                                <a class="mono" href={href(`runs/${action.run_id}`)}>
                                    {shortId(action.run_id)}
                                </a>
                            </td>
                            <td>{action.stage_id ?? ""}</td>
                            <td class="mono data">{details(action.details)}</td>
                        </tr>
                    )}
                />
            )}
        </div>
    );
}

function details(of: unknown): string {
    if (of === null || typeof of !== "object") return of === null ? "" : compact(of);
    return Object.entries(of)
        .filter(([, value]) => value !== null)
        .map(([key, value]) => `${key}=${typeof value === "string" ? value : compact(value)}`)
        .join("  ");
}
