// Runs that runs have started, and arms that were not taken.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { closeBrowser, skip, TOKENS, World } from "./support.mjs";

let world;
before(async () => {
    if (!skip) world = await World.start();
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

/** Starts a run whose step waits for a child, beside which it has started a child that calls a model. */
async function researching() {
    const id = await world.start("researching", { question: "Why?" });
    await world.until(id, ({ run }) => run.phase === "waiting");
    const { items } = await world.json(`/runs/${id}/children`);
    const of = (workflow) => items.find((run) => run.workflow_id === workflow).id;
    await world.until(of("thinking"), ({ run }) => run.status === "COMPLETED");
    return { id, asking: of("asking"), thinking: of("thinking") };
}

test("the page of a run lists its children with their states and costs, and leads to them and back", { skip }, async () => {
    const { id, asking, thinking } = await researching();
    await world.until(asking, ({ run }) => run.phase === "waiting");
    const page = await world.open({ page: `runs/${id}` });
    const now = page.getByRole("region", { name: "What happens now" });
    await now.getByText("asking waits for the run that it has started.").waitFor();
    await now.getByText(`It is asking ${asking.slice(-8)}, which is waiting.`).waitFor();
    // It continues with its child: waking it would change nothing.
    assert.equal(await page.getByRole("button", { name: "Wake…" }).count(), 0);

    await page.getByRole("button", { name: "2 runs" }).click();
    const table = page.getByRole("group", { name: "Runs that this run has started" });
    await table.getByRole("row", { name: new RegExp(`Waiting asking ${asking.slice(-8)} asking ?, which waits for it`) }).waitFor();
    const cost = (await world.json(`/runs/${thinking}`)).run.costs.cost;
    assert.notEqual(Number.parseFloat(cost), 0);
    const free = table.getByRole("row", { name: new RegExp(`Completed thinking ${thinking.slice(-8)} split ?, which does not wait`) });
    assert.equal(await free.locator(`[title="${cost}"]`).count(), 1);
    // The run itself has called no model.
    const sum = table.getByRole("row", { name: /^This run, the runs that it has started/ });
    assert.equal(await sum.locator(`[title="${cost}"]`).count(), 1);
    await page.getByRole("term").filter({ hasText: "Cost with these runs" }).waitFor();

    await page.getByRole("button", { name: /^asking Waiting/ }).click();
    await page.getByRole("region", { name: "Stage asking" }).getByRole("link", { name: /^asking/ }).click();
    await page.waitForURL((url) => url.pathname.endsWith(asking));
    await page.getByRole("link", { name: "stage asking" }).click();
    await page.waitForURL((url) => url.pathname.endsWith(id));

    // The child ends, and the page says so without a reload.
    await world.json(`/runs/${asking}/wake`, { stage: "ask" });
    await now.getByText(/^Completed in/).waitFor();
    await page.getByRole("tab", { name: "Started runs" }).click();
    await table.getByRole("row", { name: new RegExp(`Completed asking ${asking.slice(-8)}`) }).waitFor();
    await page.getByRole("tab", { name: "Timeline" }).click();
    assert.equal(await page.locator(".line .wait-child").count(), 1);
});

test("the children of a run are found in the list, and acted on together", { skip }, async () => {
    const { id, asking, thinking } = await researching();
    const page = await world.open({ page: `?q=parent%3A${id}` });
    await page.locator(`[data-run="${asking}"]`).waitFor();
    await page.locator(`[data-run="${thinking}"]`).waitFor();
    assert.equal(await page.locator("[data-run]").count(), 2);
    await page.getByRole("button", { name: "Cancel…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("1 run will be cancelled.").waitFor();
    await dialog.getByRole("button", { name: "Cancel 1 run" }).click();
    await dialog.getByText("1 cancelled.").waitFor();
    await world.until(id, ({ run }) => run.error?.code === "CHILD_CANCELLED");
});

test("a reader sees the children of a run, and one without any sees the code that starts them", { skip }, async () => {
    const { id, asking } = await researching();
    const page = await world.open({ token: TOKENS.reader, page: `runs/${id}?tab=children` });
    await page.getByRole("row", { name: new RegExp(`asking ${asking.slice(-8)}`) }).waitFor();
    await page.goto(`${world.url}runs/${asking}?tab=children`);
    await page.getByText("This run has started no other run").waitFor();
    assert.match(await page.locator("pre").innerText(), /ctx\.start::</);
});

test("the arm that was not taken is drawn apart, has no edges in colour and no rerun", { skip }, async () => {
    const id = await world.start("sorting", { grams: 20 });
    await world.until(id, ({ run }) => run.status === "FAILED");
    const page = await world.open({ page: `runs/${id}` });
    const node = page.getByRole("button", { name: /^lift Skipped/ });
    await node.waitFor();
    assert.match(await node.getAttribute("class"), /is-skipped/);
    assert.equal(await node.evaluate((element) => getComputedStyle(element).borderStyle), "dashed");
    // From the choice to the arm that was taken, and to the one that was not.
    assert.equal(await page.locator(".graph path.edge.done").count(), 1);
    assert.equal(await page.locator(".graph path.edge.skipped").count(), 1);
    await node.click();
    const panel = page.getByRole("region", { name: "Stage lift" });
    await panel.getByText("Skipped", { exact: true }).waitFor();
    await panel.getByText("another arm was taken").waitFor();
    assert.equal(await panel.getByRole("button", { name: /Rerun|Fork/ }).count(), 0);
    await page.keyboard.press("r");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("1 stage will run again").waitFor();
    assert.deepEqual(await dialog.getByLabel("From stage").locator("option").allInnerTexts(), ["sort (completed)", "slide (failed)"]);
    await dialog.getByRole("button", { name: "Rerun 1 stage" }).click();
    await page.getByText(/^Completed in/).waitFor();
    await page.getByRole("tab", { name: "Stages" }).click();
    await page.getByRole("row", { name: /lift Skipped/ }).waitFor();
});
