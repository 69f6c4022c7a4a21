// All workflows that processes have registered.
import { segment } from "../../api/client";
import type { Page, WorkflowView } from "../../api/types";
import { href } from "../../lib/base";
import { useEvery, useLoad } from "../../lib/load";
import { useTitle } from "../../lib/title";
import { Ago, Empty, Failure, Loading, plural } from "../../parts/basics";
import { State } from "../../parts/state";
import { mayOperate } from "../../session";

const CODE = `workflow! {
    /// Takes an order.
    pub Ordering = price >> [reserve, invoice] >> ship
}

let engine = Engine::builder("orders.db").register::<Ordering>().build().await?;`;

export function WorkflowsPage() {
    useTitle("Workflows");
    const loaded = useLoad<Page<WorkflowView>>("/workflows");
    useEvery(5_000, loaded.reload);
    const items = loaded.data?.items;
    return (
        <div class="page">
            <h1>Workflows</h1>
            {loaded.error && items === undefined && <Failure error={loaded.error} retry={loaded.reload} />}
            {items === undefined && !loaded.error && <Loading />}
            {items?.length === 0 && (
                <div class="card">
                    <Empty title="No process has registered a workflow yet" code={CODE} />
                </div>
            )}
            {items !== undefined && items.length > 0 && (
                <div class="card table-box" tabIndex={0} role="group" aria-label="Workflows">
                    <table>
                        <caption class="visually-hidden">Workflows by id</caption>
                        <thead>
                            <tr>
                                <th>Workflow</th>
                                <th>Workers</th>
                                <th>Versions</th>
                                <th class="end">Queued</th>
                                <th class="end">Unfinished</th>
                                <th class="end">Oldest of them</th>
                                <th>
                                    <span class="visually-hidden">Start</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {items.map((workflow) => (
                                <Row key={workflow.id} workflow={workflow} />
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </div>
    );
}

function Row({ workflow }: { workflow: WorkflowView }) {
    const { versions } = workflow;
    const sum = (pick: (version: WorkflowView["versions"][number]) => number): number => versions.reduce((all, version) => all + pick(version), 0);
    const stuck = versions.some((version) => !version.is_executable && version.pending + version.running > 0);
    const runs = versions.some((version) => version.is_executable);
    const oldest = versions.flatMap((version) => version.oldest ?? []).sort()[0];
    return (
        <tr>
            <td>
                <a class="strong" href={href(`workflows/${segment(workflow.id)}`)}>
                    {workflow.id}
                </a>
            </td>
            <td>
                <State
                    of={stuck ? "failed" : runs ? "completed" : "unknown"}
                    word={stuck ? "Has runs that none can take" : runs ? "Some process runs it" : "No process runs it"}
                />
            </td>
            <td>{plural(versions.length, "version")}</td>
            <td class="end">{sum((version) => version.pending).toLocaleString("en")}</td>
            <td class="end">{sum((version) => version.running).toLocaleString("en")}</td>
            <td class="end">{oldest ? <Ago at={oldest} /> : <span class="muted">–</span>}</td>
            <td class="end">
                {mayOperate.value && (
                    <a class="button small" href={href(`workflows/${segment(workflow.id)}/start`)}>
                        Start
                    </a>
                )}
            </td>
        </tr>
    );
}
