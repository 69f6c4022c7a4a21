// Actions on many runs and events: previewed, done step by step, and told apart.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { closeBrowser, EMPTY_PARCEL, skip, TOKENS, World } from "./support.mjs";

let world;
before(async () => {
    if (!skip) world = await World.start();
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

/** Starts this many runs with a tag, and waits until each is in this state. */
async function started(number, workflow, input, batch, isThere) {
    const ids = [];
    for (let turn = 0; turn < number; turn += 1) ids.push(await world.start(workflow, input, { tags: { batch } }));
    for (const id of ids) await world.until(id, isThere);
    return ids;
}

test("failed runs are rerun together from where they failed, also behind an arm that was not taken", { skip }, async () => {
    const ids = await started(3, "sorting", { grams: 20 }, "slides", ({ run }) => run.status === "FAILED");
    const page = await world.open({ page: "?q=tag%3Abatch%3Dslides" });
    await page.locator("[data-run]").nth(2).waitFor();
    await page.getByRole("button", { name: "Rerun…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("3 runs will be rerun from their failed stages.").waitFor();
    assert.equal(await dialog.getByRole("list", { name: "The newest of them" }).getByRole("link").count(), 3);
    // Nothing has happened yet.
    for (const id of ids) assert.equal((await world.json(`/runs/${id}`)).run.generation, 1);
    // One that fails after the preview stays as it is.
    const [late] = await started(1, "sorting", { grams: 30 }, "slides", ({ run }) => run.status === "FAILED");
    await dialog.getByRole("button", { name: "Rerun 3 runs" }).click();
    await dialog.getByText("3 rerun from their failed stages.").waitFor();
    await dialog.getByRole("button", { name: "Done" }).click();
    for (const id of ids) {
        const { stages } = await world.until(id, ({ run }) => run.status === "COMPLETED");
        // What had completed was kept.
        assert.deepEqual(stages.map(({ id, status, generation }) => [id, status, generation]), [
            ["sort", "COMPLETED", 1],
            ["lift", "SKIPPED", 1],
            ["slide", "COMPLETED", 2],
        ]);
    }
    assert.equal((await world.json(`/runs/${late}`)).run.generation, 1);
});

test("waiting runs are woken together, and those that wait no more are told apart", { skip }, async () => {
    const isWaiting = ({ run }) => run.phase === "waiting";
    const ids = await started(3, "asking", { question: "Why?" }, "questions", isWaiting);
    const page = await world.open({ page: "?q=tag%3Abatch%3Dquestions" });
    await page.getByLabel("Select all runs that are shown").check();
    await page.getByText("3 runs selected").waitFor();
    await page.getByRole("button", { name: "Wake…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("3 runs will be woken.").waitFor();
    // Another user was faster.
    await world.json(`/runs/${ids[0]}/cancel`, {});
    await dialog.getByRole("button", { name: "Wake 3 runs" }).click();
    await dialog.getByText("2 woken, 1 not.").waitFor();
    await dialog.getByRole("list", { name: "Runs on which nothing was done" }).getByText("nothing to do").waitFor();
    for (const id of ids.slice(1)) await world.until(id, ({ run }) => run.status === "COMPLETED");
    assert.equal((await world.json(`/runs/${ids[0]}`)).run.status, "CANCELLED");
});

test("many runs are woken in steps, of which one can stop the next", { skip }, async () => {
    world.startMany("asking", 700);
    const page = await world.open({ page: "?q=tag%3Abatch%3Dmany" });
    let steps = 0;
    await page.route("**/api/v1/runs/bulk/*", async (route) => {
        steps += 1;
        // The user stops while the first step is on its way.
        await page.getByRole("button", { name: "Stop", exact: true }).click();
        await route.continue();
    });
    await page.getByText("All that match").waitFor();
    await page.getByRole("button", { name: "Wake…" }).click();
    const dialog = page.getByRole("dialog");
    // The API counts for 40 ms at most, so the button may have a lower bound.
    await dialog.getByRole("button", { name: /^Wake [\d,]+\+? runs$/ }).click();
    await dialog.getByText(/^(500|[1-4]\d\d) woken/).waitFor({ timeout: 60_000 });
    await dialog.getByRole("button", { name: "Done" }).click();
    assert.equal(steps, 1);
});

test("dead letters are previewed and replayed, a chosen one or all of a plugin", { skip }, async () => {
    const failed = [];
    for (let turn = 0; turn < 3; turn += 1) {
        const id = await world.start("sending", EMPTY_PARCEL);
        await world.until(id, ({ run }) => run.status === "FAILED");
        failed.push(id);
    }
    const letters = async () => (await world.json("/dead-letters?limit=200")).items.map(({ event }) => event.run_id);
    const page = await world.open({ page: "dead-letters" });
    const table = page.getByRole("group", { name: "Dead letters by plugin, oldest first" });
    for (const id of failed) await table.getByRole("row", { name: new RegExp(`clerk workflow:failed .*${id.slice(-8)} the office is closed 1`) }).waitFor();
    const before = await letters();

    // Neither the oldest nor the newest.
    const chosen = failed[1];
    await table.getByRole("button", { name: new RegExp(`Replay… workflow:failed .* of .*${chosen.slice(-8)} to clerk`) }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("1 event will be delivered to clerk again. An event").waitFor();
    await dialog.getByRole("list", { name: "The events" }).getByText(chosen.slice(-8)).waitFor();
    assert.deepEqual(await letters(), before);
    await dialog.getByRole("button", { name: "Replay 1 event" }).click();
    await page.getByText("1 event will be delivered again").waitFor();
    await table.getByText(chosen.slice(-8)).waitFor({ state: "detached" });
    assert.deepEqual(
        await letters(),
        before.filter((id) => id !== chosen),
    );

    await page.getByRole("button", { name: "Replay all of clerk…" }).click();
    const rest = before.length - 1;
    await dialog.getByRole("button", { name: `Replay ${rest} events` }).click();
    // The plugin takes each event at its second delivery.
    await page.getByRole("heading", { name: "There are no dead letters" }).waitFor();
    assert.equal(await page.getByRole("button", { name: /Replay/ }).count(), 0);
    assert.deepEqual(await letters(), []);
});

test("a replay takes as many letters as its preview shows, also beyond the limit of one page", { skip }, async () => {
    const page = await world.open();
    const letter = (number) => ({
        plugin: "mailer",
        attempts: 4,
        at: "2026-11-30T12:00:00Z",
        error: "no route to host",
        event: { run_id: `01900000-0000-7000-8000-${String(number).padStart(12, "0")}`, sequence: 1, type: "workflow:failed", at: "2026-11-30T12:00:00Z", data: {} },
    });
    await page.route("**/api/v1/dead-letters?*", (route) => {
        const parameters = new URL(route.request().url()).searchParams;
        const [limit, from] = [Number(parameters.get("limit")), Number(parameters.get("after") ?? 0)];
        const items = Array.from({ length: Math.min(limit, 1_500 - from) }, (_, at) => letter(from + at));
        return route.fulfill({ json: { items, next: from + limit < 1_500 ? String(from + limit) : null } });
    });
    let asked;
    await page.route("**/api/v1/dead-letters/replay", (route) => {
        asked = route.request().postDataJSON();
        return route.fulfill({ json: { replayed: 1_000 } });
    });
    await page.goto(`${world.url}dead-letters`);
    await page.getByRole("button", { name: "Replay all of mailer…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("There are more, which another replay takes.").waitFor();
    await dialog.getByText("and 980 more events").waitFor();
    await dialog.getByRole("button", { name: "Replay 1,000 events" }).click();
    await page.getByText("1,000 events will be delivered again").waitFor();
    assert.deepEqual(asked, { plugin: "mailer", limit: 1_000 });
});

test("without the grant there are letters and runs, and no action on many", { skip }, async () => {
    const id = await world.start("sending", EMPTY_PARCEL);
    await world.until(id, ({ run }) => run.status === "FAILED");
    const page = await world.open({ token: TOKENS.viewer, page: "dead-letters" });
    await page.getByText("the office is closed").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /Replay/ }).count(), 0);
    await page.goto(`${world.url}?q=status%3Afailed`);
    await page.locator("[data-run]").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /^(Cancel|Rerun|Wake)…$/ }).count(), 0);
    for (const [path, body] of [
        ["/dead-letters/replay", { plugin: "clerk" }],
        ["/runs/bulk", { action: "rerun", filter: { statuses: ["FAILED"] } }],
    ]) {
        assert.equal((await world.api(path, body, TOKENS.viewer)).status, 403);
    }
});
