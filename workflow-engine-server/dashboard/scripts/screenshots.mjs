// Takes the pictures of the documentation, from the program of the tests: `npm run screenshots`.
// With a folder, it takes every page in both themes and two widths instead, to look at them: `npm run screenshots -- /tmp/pages`.
import { mkdirSync } from "node:fs";
import { closeBrowser, EMPTY_PARCEL, PARCEL, skip, World } from "../tests/support.mjs";

if (skip) throw new Error(skip);
const documents = new URL("../../../docs/images/", import.meta.url).pathname;
const folder = process.argv[2];
const world = await World.start();
const CUSTOMERS = ["acme", "globex", "hooli", "initech", "umbrella"];
const TOPICS = ["the harbour", "a new bridge", "the old town"];

/** Runs of every kind. */
async function fill() {
    for (let turn = 0; turn < 12; turn += 1) {
        const tags = { customer: CUSTOMERS[turn % CUSTOMERS.length], region: turn % 2 === 0 ? "eu" : "us" };
        await world.start("sending", { ...PARCEL, number: 70_411 + turn }, { tags });
        if (turn % 3 === 0) await world.start("thinking", { question: "Why?" }, { tags });
    }
    const ids = {
        asking: await world.start("asking", { question: "Never?" }, { tags: { customer: "hooli" } }),
        redirecting: await world.start("redirecting", { number: 70_417 }, { tags: { customer: "umbrella" } }),
        budget: await world.start("thinking", { question: "Why?" }, { budget: "0.0000001 USD" }),
        later: await world.start("asking", { question: "Tomorrow?" }, { start_after_ms: 86_400_000 }),
    };
    ids.research = await world.start("researching", { question: "Why?" }, { tags: { desk: "city" } });
    ids.sorting = await world.start("sorting", { grams: 250 });
    for (const topic of TOPICS) ids.publishing = await world.start("publishing", { topic }, { tags: { desk: "city" } });
    ids.thinking = await world.start("thinking", { question: "Why?" });
    ids.completed = await world.start("sending", { ...PARCEL, number: 70_498 }, { tags: { customer: "acme", region: "eu" } });
    ids.failed = await world.start("sending", { ...EMPTY_PARCEL, number: 70_499 }, { tags: { customer: "globex", region: "us" } });
    await world.until(ids.failed, ({ run }) => run.status === "FAILED");
    await world.json(`/runs/${ids.failed}/rerun`, { from_stage: "stamp" });
    await world.until(ids.failed, ({ run }) => run.generation === 2 && run.status === "FAILED");
    for (const id of [ids.completed, ids.thinking]) await world.until(id, ({ run }) => run.status === "COMPLETED");
    for (const id of [ids.publishing, ids.asking, ids.redirecting, ids.research]) await world.until(id, ({ run }) => run.phase === "waiting");
    await world.putSchedule({ id: "monthly-report", cron: "0 2 1 * *", zone: "Europe/Berlin", workflow_id: "asking", input: { question: "Why?" } });
    await world.putSchedule({ id: "harbour-news", cron: "30 6 * * 1-5", zone: "Europe/Berlin", workflow_id: "publishing", input: { topic: "the harbour" } });
    await world.until(ids.budget, ({ blocked_reason: reason }) => reason !== null);
    return ids;
}

const pagesOf = (ids) => ({
    runs: "",
    "runs-failed": "?q=status%3Afailed",
    "runs-none": "?q=workflow%3Anothing",
    "run-failed": `runs/${ids.failed}?stage=stamp`,
    "run-completed": `runs/${ids.completed}`,
    "run-waiting": `runs/${ids.asking}`,
    "run-question": `runs/${ids.publishing}`,
    "run-budget": `runs/${ids.budget}`,
    "run-later": `runs/${ids.later}`,
    "run-stages": `runs/${ids.completed}?tab=stages`,
    "run-logs": `runs/${ids.failed}?tab=logs`,
    "run-payloads": `runs/${ids.completed}?tab=payloads`,
    "run-events": `runs/${ids.completed}?tab=events`,
    "run-calls": `runs/${ids.thinking}?tab=calls`,
    "run-children": `runs/${ids.research}?tab=children`,
    "run-skipped": `runs/${ids.sorting}?stage=lift`,
    "run-artifacts": `runs/${ids.completed}?tab=artifacts`,
    workflows: "workflows",
    workflow: "workflows/sending",
    start: "workflows/sending/start",
    approvals: "approvals",
    approval: `approvals?id=${ids.publishing}.ask-editor`,
    "approval-form": `approvals?id=${ids.redirecting}.ask-receiver`,
    queue: "queue",
    "dead-letters": "dead-letters",
    actions: "actions",
    schedules: "schedules",
    costs: "costs",
    compare: `compare?a=${ids.completed}&b=${ids.failed}`,
    "compare-generations": `compare?a=${ids.failed}&ag=1&b=${ids.failed}`,
    "compare-empty": "compare",
    nowhere: "nowhere",
});

/** Waits until a page has what it shows. */
async function settle(page) {
    await page.getByRole("heading").first().waitFor();
    await page.locator('[aria-busy="true"]').first().waitFor({ state: "detached" });
    await page.evaluate(() => document.fonts.ready);
    // What is read after the first answer.
    await page.waitForTimeout(400);
}

const ids = await fill();
const pages = pagesOf(ids);
const look = { reducedMotion: "reduce", timezoneId: "Europe/Berlin", locale: "en-GB" };
if (folder === undefined) {
    mkdirSync(documents, { recursive: true });
    for (const [name, path, colorScheme, height] of [
        ["dashboard-runs", pages.runs, "light", 600],
        ["dashboard-run", pages["run-failed"], "dark", 720],
    ]) {
        const page = await world.open({ ...look, colorScheme, viewport: { width: 1280, height } });
        await page.goto(world.url + path);
        await settle(page);
        await page.screenshot({ path: `${documents}${name}.png`, timeout: 90_000 });
    }
} else {
    mkdirSync(folder, { recursive: true });
    for (const colorScheme of ["light", "dark"]) {
        for (const [width, viewport] of [
            ["desktop", { width: 1280, height: 800 }],
            ["phone", { width: 390, height: 844 }],
        ]) {
            const page = await world.open({ ...look, colorScheme, viewport });
            for (const [name, path] of Object.entries(pages)) {
                await page.goto(world.url + path);
                await settle(page);
                const picture = { path: `${folder}/${name}-${width}-${colorScheme}.png`, timeout: 90_000 };
                // A busy machine refuses some pictures of whole pages.
                await page.screenshot({ ...picture, fullPage: true }).catch(() => page.screenshot(picture));
            }
        }
    }
}
await world.stop();
await closeBrowser();
