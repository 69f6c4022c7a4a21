// Runs that are too large for a page: it stays quick.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { closeBrowser, PARCEL, skip, World } from "./support.mjs";

let world;
before(async () => {
    if (!skip) world = await World.start();
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

/** The share of the time in which the page's thread does not answer, because a task takes longer than 50 ms. */
async function busyShare(page, action) {
    await page.evaluate(() => {
        window.busy = 0;
        window.begin = performance.now();
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) window.busy += entry.duration;
        }).observe({ type: "longtask" });
    });
    await action();
    return page.evaluate(() => window.busy / (performance.now() - window.begin));
}

test("of an output of 60 MiB the page shows the beginning and offers the rest", { skip }, async () => {
    const id = await world.start("writing", { lines: 0, bytes: 60 * 1024 * 1024 });
    await world.until(id, ({ run }) => run.status === "COMPLETED", 60);
    const page = await world.open({ page: `runs/${id}` });
    const busy = await busyShare(page, async () => {
        await page.getByRole("tab", { name: "Input and output" }).click();
        await page.getByText("These are the first 64 KiB; the download has all 60.0 MiB.").waitFor();
    });
    assert.ok(busy < 0.5, `the page was busy for ${busy} of the time`);
    assert.ok((await page.locator(".json").first().innerText()).length < 70_000);
});

test("of 100,000 log lines at most 500 are in the page, and older ones are read on demand", { skip }, async () => {
    const id = await world.start("writing", { lines: 100_000, bytes: 1 });
    const page = await world.open({ page: `runs/${id}?tab=logs` });
    const busy = await busyShare(page, async () => {
        await world.until(id, ({ run }) => run.status === "COMPLETED", 90);
    });
    await page.getByText("number=99999").waitFor({ timeout: 60_000 });
    const rows = page.locator(".log");
    assert.ok((await rows.count()) <= 500);
    console.log(`while 100,000 lines arrive, the page is busy for ${(busy * 100).toFixed(0)} % of the time`);
    // The browser shares two cores with the server that sends them.
    assert.ok(busy < 0.8, `the page was busy for ${busy} of the time`);
    const log = page.getByRole("log");
    await log.evaluate((element) => element.scrollTo(0, 0));
    await page.getByRole("button", { name: "Follow", exact: true }).waitFor();
    await page.getByRole("button", { name: "Older lines" }).click();
    await page.getByRole("button", { name: "Older lines" }).click();
    assert.ok((await rows.count()) <= 500);
    await page.getByRole("button", { name: /^Follow/ }).click();
    await page.getByText("number=99999").waitFor();
});

test("1,000 stages are drawn, a long column is folded, and each selection is drawn in less than a frame", { skip }, async () => {
    const id = await world.start("sending", PARCEL);
    const detail = await world.until(id, ({ run }) => run.status === "COMPLETED");
    // A graph of 20 columns of 50 stages, and one of a column of 100: no workflow of the program has as many.
    const places = Array.from({ length: 1_000 }, (_, at) => ({ column: Math.floor(at / 50), row: at % 50 }));
    await draw(id, detail, places, 50, async (page, change) => {
        assert.equal(await page.locator(".node").count(), 1_000);
        const times = await change();
        times.sort((a, b) => a - b);
        console.log(`a selection among 1,000 stages takes ${times[Math.floor(times.length / 2)].toFixed(1)} ms`);
        assert.ok(times[Math.floor(times.length / 2)] <= 16, `${times}`);
    });
    const column = Array.from({ length: 100 }, (_, row) => ({ column: 0, row }));
    await draw(id, detail, column, 100, async (page) => {
        const folded = page.getByRole("button", { name: "41 more, 1 failed" });
        await folded.waitFor();
        await folded.click();
        assert.equal(await page.locator(".node").count(), 100);
    });
});

/** Opens a run whose graph has these stages, as the API would return it. */
async function draw(id, detail, places, rows, check) {
    const page = await world.open();
    const name = (at) => `stage-${at}`;
    const stages = places.map((_, at) => ({ ...detail.stages[0], id: name(at), name: name(at), number: at + 1, status: at === 99 ? "FAILED" : "COMPLETED" }));
    const layout = {
        columns: Math.max(...places.map(({ column }) => column)) + 1,
        rows,
        stages: places.map((place, at) => ({ stage_id: name(at), name: name(at), ...place })),
        junctions: [],
        edges: places.flatMap((_, at) => (at >= 50 && rows === 50 ? [{ from: { stage: at - 50 }, to: { stage: at } }] : [])),
    };
    const shown = { ...detail, stages };
    await page.route(`**/api/v1/runs/${id}`, (route) => route.fulfill({ json: shown }));
    await page.route("**/api/v1/definitions/*/layout", (route) => route.fulfill({ json: layout }));
    await page.goto(`${world.url}runs/${id}`);
    await page.locator(".node").first().waitFor();
    await check(page, async () => {
        const times = [];
        for (let turn = 0; turn < 15; turn += 1) {
            await page.evaluate((stage) => {
                const node = document.querySelector(`[data-stage="${stage}"]`);
                const begin = performance.now();
                window.took = new Promise((resolve) => {
                    new MutationObserver((_, observer) => {
                        observer.disconnect();
                        resolve(performance.now() - begin);
                    }).observe(node, { attributes: true, subtree: true, childList: true });
                });
                node.click();
            }, name(turn * 60));
            times.push(await page.evaluate(() => window.took));
        }
        return times;
    });
    await page.close();
}
