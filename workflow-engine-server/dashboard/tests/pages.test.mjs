// Every page, for everyone: by keyboard, with each grant, under a path, in other zones, in both themes.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { closeBrowser, EMPTY_PARCEL, PARCEL, skip, TOKENS, World } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world;
let ids;
before(async () => {
    if (skip) return;
    world = await World.start();
    ids = {
        completed: await world.start("sending", PARCEL, { tags: { customer: "acme" } }),
        failed: await world.start("sending", EMPTY_PARCEL),
        waiting: await world.start("asking", { question: "Never?" }),
        publishing: await world.start("publishing", { topic: "tea" }),
        researching: await world.start("researching", { question: "Never?" }),
        sorting: await world.start("sorting", { grams: 20 }),
        redirecting: await world.start("redirecting", { number: 7 }),
        budget: await world.start("thinking", { question: "Why?" }, { budget: "0.0000001 USD" }),
        thinking: await world.start("thinking", { question: "Why?" }),
    };
    await world.putSchedule({ id: "monthly", cron: "0 2 1 * *", zone: "Europe/Berlin", workflow_id: "sending", input: EMPTY_PARCEL });
    await world.until(ids.failed, ({ run }) => run.status === "FAILED");
    await world.until(ids.thinking, ({ run }) => run.status === "COMPLETED");
    for (const id of [ids.waiting, ids.publishing, ids.redirecting, ids.researching]) await world.until(id, ({ run }) => run.phase === "waiting");
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

const pages = () => [
    "",
    "?q=status%3Afailed",
    `runs/${ids.failed}?stage=stamp`,
    `runs/${ids.completed}?tab=stages`,
    `runs/${ids.completed}?tab=logs`,
    `runs/${ids.completed}?tab=payloads`,
    `runs/${ids.completed}?tab=events`,
    `runs/${ids.thinking}?tab=calls`,
    `runs/${ids.waiting}?tab=notes`,
    `runs/${ids.completed}?tab=artifacts`,
    `runs/${ids.completed}?tab=children`,
    `runs/${ids.researching}?tab=children`,
    `runs/${ids.sorting}?stage=lift`,
    `runs/${ids.publishing}`,
    `runs/${ids.budget}`,
    "approvals",
    `approvals?id=${ids.publishing}.ask-editor`,
    `approvals?id=${ids.redirecting}.ask-receiver`,
    "workflows",
    "workflows/sending",
    "workflows/sending/start",
    "schedules",
    "queue",
    "dead-letters",
    "actions",
    "costs",
    `compare?a=${ids.completed}&b=${ids.failed}`,
    "nowhere",
];

for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing on any page in the ${colorScheme} theme`, { skip }, async () => {
        const page = await world.open({ colorScheme, bypassCSP: true, reducedMotion: "reduce" });
        await page.addInitScript(axe);
        const found = [];
        for (const path of pages()) {
            await page.goto(world.url + path);
            await page.getByRole("heading", { level: 1 }).or(page.getByRole("heading", { level: 2 })).first().waitFor();
            await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
            const { violations } = await page.evaluate(() =>
                window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
            );
            for (const { id, nodes } of violations) found.push(`${path}: ${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
        }
        for (const [path, key, name] of [
            [`runs/${ids.failed}`, "f", "Fork"],
            [`runs/${ids.failed}`, "r", "Rerun"],
            [`runs/${ids.waiting}`, "c", "Cancel"],
            ["", "?", "Keys"],
        ]) {
            await page.goto(world.url + path);
            await page.getByRole("heading", { level: 1 }).waitFor();
            await page.keyboard.press(key);
            await page.getByRole("dialog").waitFor();
            const { violations } = await page.evaluate(() => window.axe.run(document.querySelector("dialog")));
            for (const { id, nodes } of violations) found.push(`${name}: ${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
        }
        assert.deepEqual(found, []);
    });
}

test("no page is wider than a phone", { skip }, async () => {
    const page = await world.open({ viewport: { width: 360, height: 740 } });
    const wide = [];
    for (const path of pages()) {
        await page.goto(world.url + path);
        await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > 360) wide.push(`${path}: ${width}`);
    }
    assert.deepEqual(wide, []);
});

test("the keys lead to every page, and are listed", { skip }, async () => {
    const page = await world.open();
    await page.keyboard.press("?");
    const listed = await page.getByRole("dialog").innerText();
    assert.match(listed, /Go to Workflows/);
    await page.keyboard.press("Escape");
    for (const [key, title] of [
        ["w", "Workflows"],
        ["p", "Approvals"],
        ["s", "Schedules"],
        ["q", "Queue and workers"],
        ["d", "Dead letters"],
        ["a", "Actions"],
        ["m", "Costs"],
        ["c", "Compare"],
        ["r", "Runs"],
    ]) {
        await page.keyboard.press("g");
        await page.keyboard.press(key);
        await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
    }
});

test("a reader sees no payload and no button, and the API refuses both", { skip }, async () => {
    const page = await world.open({ token: TOKENS.reader, page: `runs/${ids.failed}` });
    await page.getByText("Failed at stamp").waitFor();
    for (const name of ["Logs", "Input and output", "Annotations"]) assert.equal(await page.getByRole("tab", { name }).count(), 0);
    assert.equal(await page.getByRole("button", { name: /(Rerun|Fork|Cancel|Wake).*…$/ }).count(), 0);
    await page.goto(`${world.url}workflows/sending`);
    await page.getByRole("link", { name: "Runs" }).last().waitFor();
    assert.equal(await page.getByRole("link", { name: "Start a run" }).count(), 0);
    await page.goto(world.url);
    await page.locator("[data-run]").first().waitFor();
    assert.equal(await page.getByRole("checkbox").count(), 0);
    const cookie = await page.evaluate(async (id) => {
        const write = await fetch(`api/v1/runs/${id}/cancel`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
        return [write.status, (await fetch(`api/v1/runs/${id}/input`)).status];
    }, ids.waiting);
    assert.deepEqual(cookie, [403, 403]);
});

test("a viewer sees payloads and no button", { skip }, async () => {
    const page = await world.open({ token: TOKENS.viewer, page: `runs/${ids.failed}?tab=logs` });
    await page.getByText("there is nothing to stamp").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /(Rerun|Fork|Cancel|Wake).*…$/ }).count(), 0);
});

test("a wrong token is refused with a sentence, and the right one lets its user in", { skip }, async () => {
    const page = await world.open({ token: "wrong-wrong-wrong-wrong" });
    await page.getByText("the token is not valid").waitFor();
    await page.getByLabel("Token").fill(TOKENS.viewer);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    // The token is not in the address, and so not in the history.
    assert.equal(new URL(page.url()).hash, "");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
});

test("instants are shown in the chosen zone, which is named", { skip }, async () => {
    const created = (await world.json(`/runs/${ids.completed}`)).run.created_at;
    for (const [timezoneId, chosen] of [
        ["Asia/Tokyo", undefined],
        ["Asia/Tokyo", "America/New_York"],
    ]) {
        const page = await world.open({ timezoneId, page: `runs/${ids.completed}` });
        if (chosen !== undefined) await page.getByLabel("Time zone").selectOption(chosen);
        const zone = chosen ?? timezoneId;
        const time = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "medium" }).format(new Date(created));
        await page.getByText(time).first().waitFor();
        await page.locator(".axis").getByText(zone, { exact: true }).waitFor();
    }
});

test("below a path of a proxy, every address loads by itself", { skip }, async () => {
    const port = 20_000 + (process.pid % 20_000);
    const own = await World.start("/ops/flows", `127.0.0.1:${port}`);
    const id = await own.start("sending", PARCEL);
    const page = await own.open();
    await page.locator(`[data-run="${id}"]`).click();
    await page.getByText(/^Completed in/).waitFor();
    assert.ok(new URL(page.url()).pathname === `/ops/flows/runs/${id}`);
    await page.reload();
    await page.getByText(/^Completed in/).waitFor();
    await page.goto(`${own.url}workflows/sending/start?from=${id}`);
    await page.getByText("With the values of run").waitFor();
    assert.equal(await page.getByLabel("number", { exact: true }).inputValue(), "7");
    await own.stop();
});

test("runs are exported as CSV and NDJSON, and a filter is kept as a view", { skip }, async () => {
    const page = await world.open({ page: "?q=status%3Afailed" });
    await page.locator("[data-run]").first().waitFor();
    for (const [name, pattern] of [
        ["CSV", /^id,workflow,[\s\S]*sending,failed/],
        ["NDJSON", /^\{"id":"[\s\S]*"phase":"failed"/],
    ]) {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).click()]);
        assert.match(readFileSync(await download.path(), "utf8"), pattern);
    }
    // The server has this one for everyone.
    await page.getByRole("button", { name: "Failed", exact: true }).first().waitFor();
    await page.goto(`${world.url}?q=workflow%3Aasking`);
    await page.getByRole("button", { name: "Save as a view" }).click();
    await page.getByLabel("Name of the view").fill("Questions");
    await page.keyboard.press("Enter");
    await page.goto(world.url);
    await page.getByRole("button", { name: "Questions" }).click();
    await page.waitForURL(/q=workflow%3Aasking/);
});
