// Runs that start later, and runs that are compared with themselves.
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

const idOf = (page) => new URL(page.url()).pathname.split("/").at(-1);

test("a run starts later and has a deadline, in the zone that the page names", { skip }, async () => {
    const page = await world.open({ timezoneId: "Asia/Tokyo", page: "workflows/asking/start" });
    await page.getByLabel("question").fill("Never?");
    const start = page.getByLabel("Start", { exact: true });
    await page.getByText("2026-12-01 09:00, in Asia/Tokyo").waitFor();
    for (const [text, wrong] of [
        ["soon", "write a time from now"],
        ["2020-01-01 09:00", "this is in the past"],
        ["2099-02-30 09:00", "this day or time does not exist"],
    ]) {
        await start.fill(text);
        await page.getByText(wrong).waitFor();
    }
    assert.equal(await start.getAttribute("aria-invalid"), "true");
    await start.fill("2099-12-01 09:00");
    await page.getByText("2099-12-01 09:00 Asia/Tokyo, in").waitFor();
    await page.getByLabel("Deadline").fill("never");
    await page.getByText("write a duration").waitFor();
    // What is not valid is not sent.
    await page.getByRole("button", { name: "Start the run" }).click();
    assert.match(page.url(), /\/start$/);
    await page.getByLabel("Deadline").fill("2h 30m");
    await page.getByText("The run fails if it has not ended within 2 h 30 min.").waitFor();
    await page.getByText("The server accepts these values.").waitFor();
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText(/^Starts at 1 Dec 09:00:00/).waitFor();
    const { run } = await world.json(`/runs/${idOf(page)}`);
    assert.equal(run.due_at, "2099-12-01T00:00:00Z");
    assert.equal(run.deadline_at, "2099-12-01T02:30:00Z");
});

test("an hour that the clock skips is refused, and an hour that it repeats is its first", { skip }, async () => {
    const page = await world.open({ timezoneId: "Europe/Berlin", page: "workflows/asking/start" });
    await page.getByLabel("question").fill("Never?");
    const start = page.getByLabel("Start", { exact: true });
    await start.fill("2099-03-29 02:30");
    await page.getByText("does not exist in Europe/Berlin").waitFor();
    await start.fill("2099-10-25 02:30");
    await page.getByText("2099-10-25 02:30 Europe/Berlin").waitFor();
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText(/^Starts at/).waitFor();
    assert.equal((await world.json(`/runs/${idOf(page)}`)).run.due_at, "2099-10-25T00:30:00Z");
});

test("a delay counts from the start of the run", { skip }, async () => {
    const page = await world.open({ page: "workflows/asking/start" });
    await page.getByLabel("question").fill("Never?");
    await page.getByLabel("Start", { exact: true }).fill("2h");
    await page.getByText("in 2 h").waitFor();
    await page.getByRole("button", { name: "Start the run" }).click();
    await page.getByText(/^Starts at .*in 2 h\.$/).waitFor();
    const { run } = await world.json(`/runs/${idOf(page)}`);
    assert.ok(Math.abs(Date.parse(run.due_at) - Date.parse(run.created_at) - 7_200_000) <= 1_000);
});

test("two generations of a run are compared, and what the rerun has kept is said", { skip }, async () => {
    const id = await world.start("sending", EMPTY_PARCEL);
    await world.until(id, ({ run }) => run.status === "FAILED");
    await world.json(`/runs/${id}/rerun`, { from_stage: "stamp" });
    await world.until(id, ({ run }) => run.generation === 2 && run.status === "FAILED");
    const page = await world.open({ page: `runs/${id}` });
    await page.getByRole("link", { name: "compare with 1" }).click();
    await page.getByRole("row", { name: /^weigh kept by the rerun Completed Completed/ }).waitFor();
    await page.getByRole("row", { name: /^stamp Failed Failed/ }).waitFor();
    await page.getByText("A rerun keeps input and configuration.").waitFor();
    assert.equal(await page.getByLabel("Generation of the first run").inputValue(), "1");
    assert.equal(await page.getByLabel("Generation of the second run").inputValue(), "2");
    await page.getByLabel("Generation of the second run").selectOption("1");
    await page.waitForURL(/bg=1/);
    await page.getByRole("row", { name: /^stamp kept by the rerun/ }).waitFor();
});

test("a comparison says first what differs", { skip }, async () => {
    const [a, b] = [await world.start("sending", PARCEL), await world.start("sending", { ...PARCEL, number: 8 })];
    for (const id of [a, b]) await world.until(id, ({ run }) => run.status === "COMPLETED");
    const page = await world.open({ page: `compare?a=${a}&b=${b}` });
    const summary = page.getByRole("region", { name: "What differs" });
    await summary.getByText("of weigh, stamp, hand-over").waitFor();
    assert.match(await summary.innerText(), /Input\s+1 difference[\s\S]*Configuration\s+the same[\s\S]*States\s+the same/);
});

test("the list says how far each run is, and the costs which runs cost the most", { skip }, async () => {
    const waiting = await world.start("publishing", { topic: "tea" });
    await world.until(waiting, ({ run }) => run.phase === "waiting");
    const cheap = await world.start("thinking", { question: "Why?" });
    await world.until(cheap, ({ run }) => run.status === "COMPLETED");
    const page = await world.open();
    const row = page.getByRole("row").filter({ has: page.locator(`[data-run="${waiting}"]`) });
    await row.getByText("1/4").waitFor();
    await world.json(`/approvals/${waiting}.ask-editor`, { payload: { approved: false } });
    await row.getByText("4/4").waitFor();
    await page.goto(`${world.url}costs`);
    const table = page.getByRole("group", { name: "Most expensive runs" });
    await table.getByRole("link", { name: `thinking ${cheap.slice(-8)}` }).waitFor();
    assert.equal(await table.getByRole("row").count(), 2);
});
