// What starts runs by a clock: found, paused, triggered and backfilled by a person.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { closeBrowser, PARCEL, skip, TOKENS, World } from "./support.mjs";

let world;
before(async () => {
    if (skip) return;
    world = await World.start();
});
after(async () => {
    await world?.stop();
    await closeBrowser();
});

const MONTHLY = { id: "monthly", cron: "0 2 1 * *", zone: "Europe/Berlin", workflow_id: "sending", input: PARCEL };
const read = () => world.json("/schedules/monthly");

test("without schedules the page shows the code that makes one", { skip }, async () => {
    const page = await world.open({ page: "schedules" });
    await page.getByText("There are no schedules").waitFor();
    await page.getByText("engine.schedules().put(nightly).await?;").waitFor();
});

test("a schedule shows its next ticks, is paused with a reason and resumed", { skip }, async () => {
    await world.putSchedule(MONTHLY);
    const page = await world.open({ page: "schedules" });
    const row = page.getByRole("row", { name: /monthly/ });
    await row.getByText("0 2 1 * * Europe/Berlin").waitFor();
    assert.equal(await row.locator("time").count(), 5);
    await row.getByRole("button", { name: "Pause monthly" }).click();
    await page.getByLabel("Reason").fill("holidays");
    await page.getByRole("dialog").getByRole("button", { name: "Pause monthly" }).click();
    await row.getByText("holidays").waitFor();
    assert.equal((await read()).status, "PAUSED");
    await row.getByRole("button", { name: "Resume monthly" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Resume monthly" }).click();
    await row.getByText("Active").waitFor();
    assert.equal((await read()).status, "ACTIVE");
});

test("a click on trigger starts one run, which the row leads to", { skip }, async () => {
    const page = await world.open({ page: "schedules" });
    const row = page.getByRole("row", { name: /monthly/ });
    await row.getByRole("button", { name: "Trigger monthly" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Start a run of monthly" }).click();
    await row.locator("a.mono").click();
    await page.getByRole("heading", { level: 1, name: /sending/ }).waitFor();
    const { items } = await world.json("/runs?tag=schedule:monthly");
    assert.equal(items.length, 1);
});

test("a backfill shows its ticks in the zone of the page, and starts a run for each that has none", { skip }, async () => {
    const page = await world.open({ page: "schedules", timezoneId: "America/New_York" });
    await page.getByRole("button", { name: "Backfill monthly" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("From, in America/New_York").fill("2026-02-30 00:00");
    await dialog.getByText("this day or time does not exist").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Show the ticks" }).isDisabled());
    await dialog.getByLabel("From, in America/New_York").fill("2026-01-31 19:59");
    await dialog.getByLabel("To, in America/New_York").fill("2026-03-01 00:00");
    await dialog.getByRole("button", { name: "Show the ticks" }).click();
    // 2 h in Berlin on the first of the month is 20 h on the day before in New York.
    await dialog.getByText("2026-01-31 20:00:00.000 America/New_York").waitFor();
    await dialog.getByText("2026-02-28 20:00:00.000 America/New_York").waitFor();
    await dialog.getByRole("button", { name: "Start 2 runs" }).click();
    await page.getByText("2 runs started").waitFor();
    const again = await world.json("/schedules/monthly/backfill?preview=true", { from: "2026-01-01T00:00:00Z", to: "2026-03-02T00:00:00Z" });
    assert.deepEqual(
        again.ticks.map(({ scheduled_for, is_new }) => [scheduled_for, is_new]),
        [
            ["2026-01-01T01:00:00Z", true],
            ["2026-02-01T01:00:00Z", false],
            ["2026-03-01T01:00:00Z", false],
        ],
    );
});

test("a reader sees schedules, and no button", { skip }, async () => {
    const page = await world.open({ token: TOKENS.viewer, page: "schedules" });
    await page.getByRole("row", { name: /monthly/ }).getByText("Active").waitFor();
    assert.equal(await page.getByRole("button", { name: /monthly/ }).count(), 0);
});
