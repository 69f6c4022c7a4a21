// What a person does when something is wrong: find the run, see why, and help it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { closeBrowser, EMPTY_PARCEL, PARCEL, skip, World } from "./support.mjs";

let world;
before(async () => {
    if (!skip) world = await World.start();
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

test("a failed run is found by its tag, understood, forked and compared, by the keyboard alone", { skip }, async () => {
    for (let turn = 0; turn < 5; turn += 1) await world.start("sending", PARCEL, { tags: { customer: "globex" } });
    const id = await world.start("sending", EMPTY_PARCEL, { tags: { customer: "acme" } });
    await world.until(id, ({ run }) => run.status === "FAILED");

    const page = await world.open();
    const keys = page.keyboard;
    await page.locator("[data-run]").first().waitFor();
    await keys.press("/");
    await keys.type("status:failed tag:customer=acme");
    await keys.press("Enter");
    await page.waitForURL(/q=status%3Afailed\+tag%3Acustomer%3Dacme/);
    await page.locator(`[data-run="${id}"]`).waitFor();
    await page.locator("[data-run]").nth(1).waitFor({ state: "detached" });
    await keys.press("Escape");
    await page.getByRole("searchbox").or(page.getByLabel("Filter")).first().blur();
    await keys.press("j");
    await keys.press("Enter");

    const now = page.getByRole("region", { name: "What happens now" });
    await now.getByText("Failed at stamp, after 2 attempts.").waitFor();
    // The error, and its cause below it.
    assert.match(await now.locator(".error-text").innerText(), /the parcel is empty[\s\S]*the scale shows 0 g/);
    await keys.press("l");
    await page.getByText("there is nothing to stamp").first().waitFor();

    await keys.press("f");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await dialog.getByLabel("From stage").focus();
    await keys.press("Home");
    await dialog.getByText("Takes over nothing; runs weigh, stamp, count, hand-over.").waitFor();
    await dialog.getByRole("button", { name: "Edit the input" }).focus();
    await keys.press("Enter");
    const input = dialog.getByRole("textbox", { name: "Input" });
    await input.focus();
    await keys.press("Control+A");
    await keys.insertText("{ not JSON");
    await dialog.getByText("this is not JSON").waitFor();
    await keys.press("Control+A");
    await keys.insertText(JSON.stringify({ ...PARCEL, number: 0, contents: [{ article: "tea", pieces: "two" }] }));
    await dialog.getByRole("alert").waitFor();
    await keys.press("Control+A");
    await keys.insertText(JSON.stringify(PARCEL));
    await dialog.getByRole("button", { name: "Fork, and run 4 stages" }).focus();
    await keys.press("Enter");
    await page.waitForURL((url) => url.pathname.includes("/runs/") && !url.pathname.endsWith(id));
    const fork = new URL(page.url()).pathname.split("/").at(-1);
    await page.getByRole("region", { name: "What happens now" }).getByText(/^Completed in/).waitFor();

    await page.goto(`${world.url}compare?a=${id}&b=${fork}`);
    await page.getByRole("row", { name: /^stamp Failed Completed/ }).waitFor();
    const differences = page.getByRole("group", { name: "Differences of Input" });
    assert.match(await differences.innerText(), /\/contents\/0[\s\S]*absent[\s\S]*"article":"tea"/);
});

test("a stage is rerun after its preview, and the run becomes generation 2", { skip }, async () => {
    const id = await world.start("sending", PARCEL);
    await world.until(id, ({ run }) => run.status === "COMPLETED");
    const page = await world.open({ page: `runs/${id}` });
    await page.getByRole("button", { name: /^stamp/ }).first().click();
    await page.waitForURL(/stage=stamp/);
    await page.getByRole("button", { name: "Rerun from here…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("2 stages will run again").waitFor();
    // The stages that stay are dimmed in the graph of the preview.
    assert.deepEqual(await dialog.locator(".node.dim").evaluateAll((nodes) => nodes.map((node) => node.dataset.stage)), ["weigh", "count"]);
    await dialog.getByRole("button", { name: "Rerun 2 stages" }).click();
    await page.getByText("Generation", { exact: true }).waitFor();
    await world.until(id, ({ run }) => run.generation === 2 && run.status === "COMPLETED");
});

test("a run is cancelled with a reason, which the page and the actions show", { skip }, async () => {
    const id = await world.start("asking", { question: "Never?" });
    await world.until(id, ({ run }) => run.phase === "waiting");
    const page = await world.open({ page: `runs/${id}` });
    await page.getByText("ask has been waiting for something outside").waitFor();
    await page.keyboard.press("c");
    await page.getByLabel("Reason").fill("sold out");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "What happens now" }).getByText(/^Cancelled.*: sold out\.$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Cancel…" }).count(), 0);
    await page.goto(`${world.url}actions`);
    const row = page.getByRole("row", { name: /operator by session/ }).first();
    assert.match(await row.innerText(), /cancel[\s\S]*sold out/);
});

test("a waiting stage is woken", { skip }, async () => {
    const id = await world.start("asking", { question: "Why?" });
    await world.until(id, ({ run }) => run.phase === "waiting");
    const page = await world.open({ page: `runs/${id}` });
    await page.getByRole("button", { name: "Wake…" }).click();
    await page.getByRole("button", { name: "Check now" }).click();
    await page.getByText(/^Completed in/).waitFor();
});

test("a run without enough budget says so, and continues when the budget is raised", { skip }, async () => {
    const id = await world.start("thinking", { question: "Why?" }, { budget: "0.0000001 USD" });
    await world.until(id, ({ blocked_reason: reason }) => reason?.code === "BUDGET_EXCEEDED");
    const page = await world.open({ page: `runs/${id}` });
    await page.getByText("Stands still: think needs more than the budget allows.").waitFor();
    await page.getByRole("button", { name: "Raise budget…" }).click();
    await page.getByLabel("New budget, in US dollars").fill("1");
    await page.getByRole("button", { name: "Raise", exact: true }).click();
    await page.getByText(/^Completed in/).waitFor();
    await page.getByRole("tab", { name: "Model calls" }).click();
    await page.getByRole("row", { name: /gemini-2.5-flash text Settled 1,200 80/ }).waitFor();
});

test("the form starts a run with nested, optional and tagged values, and keeps every digit", { skip }, async () => {
    const page = await world.open({ page: "workflows/sending/start" });
    await page.getByLabel("number", { exact: true }).fill("9007199254740993");
    await page.getByLabel("name", { exact: true }).fill("Grace");
    await page.getByLabel("password", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Add to contents" }).click();
    await page.getByLabel("article").fill("tea");
    await page.getByLabel("pieces").fill("12");
    // The server's check names the place.
    await page.locator("#field-input-contents-0-pieces-wrong").filter({ hasText: "maximum of 9" }).waitFor();
    await page.getByLabel("pieces").fill("3");
    await page.getByLabel("Kind of carrier").selectOption("train");
    await page.getByLabel("station").fill("North");
    await page.getByLabel("first_class").check();
    await page.getByLabel("Kind of service").selectOption("Express");
    await page.getByLabel("hours").fill("8");
    await page.getByLabel("note not given").check();
    await page.getByLabel("note", { exact: true }).fill("Ring twice");
    await page.getByLabel("Tags").fill("customer=hooli");
    await page.getByText("The server accepts these values.").waitFor();
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText(/^Completed in/).waitFor();
    const id = new URL(page.url()).pathname.split("/").at(-1);
    const input = await (await world.api(`/runs/${id}/input?reveal=true`)).text();
    assert.equal(
        input,
        '{"number":9007199254740993,"receiver":{"name":"Grace","password":"secret"},"contents":[{"article":"tea","pieces":3}],"carrier":{"kind":"train","station":"North","first_class":true},"service":{"Express":{"hours":8}},"note":"Ring twice"}',
    );
    await page.getByRole("tab", { name: "Input and output" }).click();
    await page.getByText("9007199254740993").first().waitFor();
    // Hidden values stay hidden until they are asked for.
    assert.equal(await page.getByText("secret").count(), 0);
    await page.getByRole("button", { name: "Show hidden values" }).click();
    await page.getByText('"secret"').waitFor();
    await page.getByRole("tab", { name: "Logs" }).click();
    await page.getByText("number=9007199254740993").waitFor();
});
