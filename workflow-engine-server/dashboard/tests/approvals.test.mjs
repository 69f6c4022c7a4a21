// What waits for a person: the inbox, its forms, and the same question on the page of its run.
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

/** Starts a run, and waits until it asks. */
async function asking(workflow, input) {
    const id = await world.start(workflow, input);
    await world.until(id, ({ run }) => run.phase === "waiting");
    return id;
}

const output = async (id) => (await world.json(`/runs/${id}/output?wait=20s`));

test("without questions the inbox shows the code that asks one", { skip }, async () => {
    const page = await world.open({ page: "approvals" });
    await page.getByRole("heading", { name: "Nothing waits for a person" }).waitFor();
    assert.match(await page.locator("pre").innerText(), /#\[stage\(signal = Approval/);
});

test("a question is found in the inbox and approved with a comment, by the keyboard alone", { skip }, async () => {
    const [first, second] = [await asking("publishing", { topic: "tea" }), await asking("publishing", { topic: "rain" })];
    const page = await world.open();
    const keys = page.keyboard;
    await page.locator("[data-run]").first().waitFor();
    // The navigation says how many wait.
    await page.getByRole("link", { name: "Approvals 2" }).waitFor();
    await keys.press("g");
    await keys.press("p");
    await page.getByText("2 questions wait for an answer").waitFor();
    const detail = page.getByRole("region", { name: "The question of ask-editor" });
    await detail.getByText("News about tea").waitFor();
    await keys.press("j");
    await detail.getByText("News about rain").waitFor();
    await keys.press("e");
    await keys.insertText("well done");
    await keys.press("Escape");
    await keys.press("y");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Approve");
    await keys.press("Enter");
    await detail.getByText("News about tea").waitFor();
    await page.getByText("1 question waits").waitFor();
    assert.equal(await output(second), "published: well done");
    await keys.press("n");
    await keys.press("Enter");
    await page.getByRole("heading", { name: "Nothing waits for a person" }).waitFor();
    assert.equal(await output(first), "archived");
    const { items } = await world.json("/actions");
    assert.deepEqual(items.slice(0, 2).map(({ action, by }) => `${action} ${by.name}`), ["signal operator", "signal operator"]);
});

test("a form of the schema takes a nested answer, and the server's refusal is shown", { skip }, async () => {
    const id = await asking("redirecting", { number: 7 });
    const page = await world.open({ page: `approvals?id=${id}.ask-receiver` });
    const detail = page.getByRole("region", { name: "The question of ask-receiver" });
    // A question hides what its reader may not see, and is a list of its fields.
    await detail.getByText("the door was closed").waitFor();
    await detail.getByText("[hidden]").waitFor();
    await detail.getByText("in 50 min").first().waitFor();
    await detail.getByLabel("Kind of carrier").selectOption("train");
    await detail.getByLabel("station").fill("North");
    await detail.getByLabel("days").fill("many");
    await detail.getByRole("button", { name: "Send the answer" }).click();
    await detail.getByText("INVALID_SIGNAL").waitFor();
    await detail.getByLabel("days").fill("3");
    await detail.getByRole("button", { name: "Send the answer" }).click();
    await page.getByRole("heading", { name: "Nothing waits for a person" }).waitFor();
    const answer = { carrier: { kind: "train", station: "North", first_class: false }, days: 3, note: null };
    assert.deepEqual(await output(id), answer);
});

test("a question that another user answers leaves the inbox, and what one writes stays", { skip }, async () => {
    const first = await asking("publishing", { topic: "one" });
    const second = await asking("publishing", { topic: "two" });
    const page = await world.open({ page: "approvals" });
    await page.getByText("News about one").first().waitFor();
    await page.keyboard.press("j");
    await page.getByLabel("Comment").fill("half a sentence");
    await world.json(`/approvals/${first}.ask-editor`, { payload: { approved: false } });
    await page.getByText("1 question waits").waitFor();
    assert.equal(await page.getByLabel("Comment").inputValue(), "half a sentence");
    // The answer comes too late: the page says who was first.
    await page.route("**/api/v1/approvals?*", (route) => route.abort());
    await world.json(`/approvals/${second}.ask-editor`, { payload: { approved: true }, actor: "ada" });
    await page.getByRole("button", { name: "Reject" }).click();
    await page.getByRole("status").filter({ hasText: "ada" }).waitFor();
    assert.equal(await output(second), "published: ");
    await page.unroute("**/api/v1/approvals?*");
});

test("the page of the run shows the question, and takes the answer", { skip }, async () => {
    const id = await asking("publishing", { topic: "snow" });
    const page = await world.open({ page: `runs/${id}` });
    await page.getByText(/^ask-editor waits for an answer.*It times out in 7 d\.$/).waitFor();
    const question = page.getByRole("region", { name: "The question of ask-editor" });
    await question.getByText("News about snow").waitFor();
    // Waking it would change nothing.
    assert.equal(await page.getByRole("button", { name: "Wake…" }).count(), 0);
    await question.getByLabel("Comment").fill("soon");
    await question.getByRole("button", { name: "Approve" }).click();
    await page.getByText(/^Completed in/).waitFor();
    await question.waitFor({ state: "detached" });
    assert.equal(await output(id), "published: soon");
});

test("without the grant there is no answer, and without payloads no question", { skip }, async () => {
    const id = await asking("publishing", { topic: "wind" });
    const viewer = await world.open({ token: TOKENS.viewer, page: "approvals" });
    await viewer.getByText("News about wind").first().waitFor();
    await viewer.getByText("Your token may not answer").waitFor();
    assert.equal(await viewer.getByRole("button", { name: /Approve|Reject|Send/ }).count(), 0);
    await viewer.goto(`${world.url}runs/${id}`);
    await viewer.getByText("News about wind").waitFor();
    assert.equal(await viewer.getByRole("button", { name: /Approve|Reject/ }).count(), 0);

    const reader = await world.open({ token: TOKENS.reader, page: `runs/${id}` });
    await reader.getByText("ask-editor waits for an answer").waitFor();
    assert.equal(await reader.getByText("News about wind").count(), 0);
    assert.equal(await reader.getByRole("link", { name: "Approvals" }).count(), 0);
    await reader.goto(`${world.url}approvals`);
    await reader.getByText("Your token does not show questions").waitFor();
    const path = `/approvals/${id}.ask-editor`;
    for (const token of [TOKENS.viewer, TOKENS.reader]) assert.equal((await world.api(path, { payload: { approved: true } }, token)).status, 403);
    assert.equal((await world.api("/approvals", undefined, TOKENS.reader)).status, 403);
    await world.json(path, { payload: { approved: true } });
});

test("on a phone the inbox is a list, and a question is a page with a way back", { skip }, async () => {
    const id = await asking("publishing", { topic: "fog" });
    const page = await world.open({ viewport: { width: 390, height: 800 }, page: "approvals" });
    const detail = page.getByRole("region", { name: "The question of ask-editor" });
    await page.getByRole("button", { name: /^Ask Editor/ }).click();
    await detail.getByText("News about fog").waitFor();
    await page.getByRole("button", { name: "All questions" }).click();
    await detail.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: /^Ask Editor/ }).click();
    await detail.getByRole("button", { name: "Approve" }).click();
    assert.equal(await output(id), "published: ");
});
