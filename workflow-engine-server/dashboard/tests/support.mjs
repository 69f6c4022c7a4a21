// A server with a browser before it. Every page is watched: an error in the console, a report of the content security
// policy and a request to another host each fail the test.
import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const root = new URL("../../../", import.meta.url).pathname;
const program = process.env.DASHBOARD_PROGRAM ?? join(root, "target/debug/examples/browser");
/** Files in place of those of the program: with `DASHBOARD_FILES=dist`, a change to the page needs no cargo. */
const files = process.env.DASHBOARD_FILES;
const browsers = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = browsers.find((path) => path !== undefined && existsSync(path));

/** Why the tests cannot run; `false` if they can. In CI they must. */
export const skip = (() => {
    const missing = executablePath === undefined ? "there is no chromium" : existsSync(program) ? undefined : `there is no ${program}`;
    if (missing !== undefined && process.env.CI === "true") throw new Error(missing);
    return missing ?? false;
})();

const ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

export const TOKENS = {
    reader: "reader-reader-reader",
    viewer: "viewer-viewer-viewer",
    operator: "operator-operator-operator",
};

let shared;

async function browser() {
    shared ??= await chromium.launch({ executablePath, args: ARGUMENTS });
    return shared;
}

export async function closeBrowser() {
    await shared?.close();
    shared = undefined;
}

/** Starts the program and waits for its first line. */
async function launch(...args) {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const first = await new Promise((resolve, reject) => {
        lines.once("line", resolve);
        child.once("exit", (code) => reject(new Error(`the program ended with ${code}`)));
    });
    child.removeAllListeners("exit");
    return { child, first };
}

export class World {
    #children = [];
    #folder = mkdtempSync(join(tmpdir(), "dashboard-"));
    contexts = [];

    static async start(path = "/", address = "127.0.0.1:0") {
        const world = new World();
        world.store = join(world.#folder, "runs.db");
        world.path = path;
        await world.serve(address);
        return world;
    }

    async serve(address) {
        const { child, first } = await launch("serve", this.store, address, this.path);
        this.server = child;
        this.#children.push(child);
        this.origin = first;
        this.url = first + (this.path === "/" ? "/" : `${this.path}/`);
    }

    /** Starts a process that only works. */
    async worker() {
        const { child } = await launch("worker", this.store);
        this.#children.push(child);
        return child;
    }

    /** Starts a server that does no work, and returns its address. */
    async watch() {
        const { child, first } = await launch("watch", this.store, "127.0.0.1:0");
        this.#children.push(child);
        return `${first}/`;
    }

    /** Starts this many runs from another process. */
    startMany(workflow, number) {
        execFileSync(program, ["start", this.store, workflow, String(number)], { stdio: "inherit" });
    }

    async api(path, body, token = TOKENS.operator, method = "POST") {
        const init = { headers: { authorization: `Bearer ${token}` } };
        if (body !== undefined) {
            init.method = method;
            init.headers["content-type"] = "application/json";
            init.body = typeof body === "string" ? body : JSON.stringify(body);
        }
        return fetch(`${this.url}api/v1${path}`, init);
    }

    async json(path, body) {
        const response = await this.api(path, body);
        assert.ok(response.ok, `${path}: ${response.status}`);
        return response.json();
    }

    async putSchedule(schedule) {
        const response = await this.api(`/schedules/${schedule.id}`, schedule, TOKENS.operator, "PUT");
        assert.ok(response.ok, await response.text());
    }

    async start(workflow, input, more = {}) {
        const body = typeof input === "string" ? input : JSON.stringify({ workflow, input, ...more });
        return (await this.json("/runs", body)).run_id;
    }

    /** Waits until a run is as the check wants it. */
    async until(id, isSo, seconds = 30) {
        for (let turn = 0; turn < seconds * 20; turn += 1) {
            const detail = await this.json(`/runs/${id}`);
            if (isSo(detail)) return detail;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return assert.fail(`run ${id} did not become as expected`);
    }

    /** Opens the dashboard as a user does: with the token of the address. */
    async open({ token = TOKENS.operator, page: path = "", url: base = this.url, ...options } = {}) {
        const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 }, ...options });
        context.setDefaultTimeout(60_000);
        if (files !== undefined) {
            await context.route(/\/(app|more|shared)\.js$|\/app\.css$/, (route) =>
                route.fulfill({ path: join(files, new URL(route.request().url()).pathname.split("/").at(-1)) }),
            );
        }
        const page = await context.newPage();
        const faults = [];
        page.on("console", (message) => {
            // The browser reports each refusal of the API, which the page shows.
            const isRefusal = message.text().startsWith("Failed to load resource") && message.location().url.includes("/api/v1/");
            if (message.type() === "error" && !isRefusal) faults.push(`console: ${message.text()}`);
        });
        page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error.message}`));
        page.on("request", (request) => {
            const url = new URL(request.url());
            if (!["data:", "blob:"].includes(url.protocol) && url.origin !== new URL(base).origin) faults.push(`request: ${request.url()}`);
        });
        await page.exposeFunction("reportViolation", (text) => faults.push(`policy: ${text}`));
        await page.addInitScript(() => {
            addEventListener("securitypolicyviolation", (event) => {
                window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
            });
        });
        this.contexts.push({ context, faults });
        await page.goto(`${base}${path}#token=${token}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        return page;
    }

    async stop() {
        const faults = [];
        for (const { context, faults: found } of this.contexts) {
            faults.push(...found);
            await context.close();
        }
        for (const child of this.#children) child.kill("SIGKILL");
        rmSync(this.#folder, { recursive: true, force: true });
        assert.deepEqual(faults, []);
    }
}

export const PARCEL = {
    number: 7,
    receiver: { name: "Ada", password: "secret" },
    contents: [{ article: "tea", pieces: 2 }],
    carrier: { kind: "bicycle", district: 4 },
    service: "Normal",
    note: null,
};

export const EMPTY_PARCEL = { ...PARCEL, contents: [] };
