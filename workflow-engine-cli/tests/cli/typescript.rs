//! The TypeScript that `codegen` prints: it compiles strictly, and its client works in node.
//!
//! The compiler is the one that `.ci/run` installs to `target/typescript`; without it, and without node, these tests
//! check only the text.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::programs::{run, shop};
use crate::servers::Served;
use crate::world::{TEA, World};

fn generated() -> String {
    let mut command = shop();
    command.args(["codegen", "typescript"]);
    run(command).done()
}

/// Compiles the client and a program that uses it, and returns the folder with the JavaScript.
fn compiled(program: &str) -> Option<tempfile::TempDir> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let compiler = root.join("target/typescript/node_modules/.bin/tsc");
    if !compiler.exists() {
        eprintln!("skipped: {} is missing", compiler.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("workflows.ts"), generated()).unwrap();
    fs::write(folder.path().join("program.ts"), program).unwrap();
    fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
    let mut command = Command::new(compiler);
    command.current_dir(folder.path()).args([
        "--strict",
        "--noUnusedLocals",
        "--noUncheckedIndexedAccess",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--lib",
        "es2022,dom,dom.iterable",
        "--types",
        "",
        "workflows.ts",
        "program.ts",
    ]);
    let output = run(command);
    assert_eq!(output.code, 0, "{}", output.stdout);
    Some(folder)
}

#[test]
fn the_file_has_the_types_of_each_workflow() {
    let text = generated();
    for expected in [
        "export type OrderingInput = {\n  article: string;\n  number: number;\n};",
        "export type OrderingOutput = string;",
        "  /** Takes an order. */\n  \"ordering\": { input: OrderingInput; output: OrderingOutput; config: OrderingConfig };",
        "export class Client",
    ] {
        assert!(text.contains(expected), "`{expected}` is missing:\n{text}");
    }
    let mut one = shop();
    one.args(["codegen", "typescript", "stirring"]);
    let one = run(one).done();
    assert!(one.contains("StirringInput") && !one.contains("OrderingInput"), "{one}");
    let mut unknown = shop();
    unknown.args(["codegen", "typescript", "unknown"]);
    run(unknown).fails(3, "there is no workflow `unknown`");
}

#[test]
fn a_store_has_the_same_types_as_its_program() {
    let world = World::new();
    world.started("ordering", TEA, &[]);
    assert_eq!(world.wfe(&["codegen", "typescript"]).done(), generated());
}

const TYPED: &str = r#"
import { Client } from "./workflows.js";

const client = new Client({ url: "https://example.com", token: "t" });
const run = await client.start("ordering", { article: "tea", number: 2 }, { idempotencyKey: "k", config: {} });
const output: string = await run.output();
for await (const event of run.events()) console.log(event.sequence, event.type);
// @ts-expect-error: `number` is missing.
await client.start("ordering", { article: "tea" });
// @ts-expect-error: there is no such workflow.
await client.start("unknown", {});
// @ts-expect-error: the output is a text.
const wrong: number = await run.output();
console.log(output, wrong);
"#;

#[test]
fn a_program_with_the_client_is_checked_by_the_compiler() {
    let _ = compiled(TYPED);
}

/// The stand-in ends the stream after the second event, and repeats that event in the next one.
const RESUMED: &str = r#"
import { Client, WorkflowError } from "./workflows.js";

const asked: string[] = [];
const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });
let ended = false;
const server = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const { pathname, search } = new URL(String(url));
  asked.push(`${init?.method} ${pathname}${search}`);
  if (init?.method === "POST") return json({ run_id: "r1", status: "PENDING" }, 201);
  if (pathname.endsWith("/events")) {
    const first = Number(new URLSearchParams(search).get("after_sequence"));
    const sequences = first === 0 ? [1, 2] : [2, 3];
    ended = first !== 0;
    return new Response(sequences.map((sequence) => JSON.stringify({ sequence, type: "t" }) + "\n").join(""));
  }
  if (pathname.endsWith("/output")) {
    return asked.filter((line) => line.includes("/output")).length === 1
      ? json({ code: "RUN_NOT_TERMINAL", detail: "wait", retryable: true }, 409)
      : json("6 EUR");
  }
  if (pathname.endsWith("/missing")) return json({ code: "RUN_NOT_FOUND", detail: "no such run", retryable: false }, 404);
  return json({ run: { status: ended ? "COMPLETED" : "RUNNING" } });
};
const client = new Client({ url: "http://server/path/", fetch: server as typeof fetch });
const run = await client.start("ordering", { article: "tea", number: 2 });
const seen: number[] = [];
for await (const event of run.events()) seen.push(event.sequence);
const missing = await client.run("ordering", "missing").status().catch((error: unknown) => error);
console.log(JSON.stringify([seen, await run.output(), missing instanceof WorkflowError && missing.code, asked[0]]));
"#;

#[test]
fn the_client_resumes_a_stream_without_a_gap_or_a_repetition() {
    let Some(folder) = compiled(RESUMED) else { return };
    let mut node = Command::new("node");
    node.current_dir(folder.path()).arg("program.js");
    let printed = run(node).json();
    let expected = serde_json::json!([[1, 2, 3], "6 EUR", "RUN_NOT_FOUND", "POST /path/api/v1/runs"]);
    assert_eq!(printed, expected);
}

/// Every stream is cut after two lines, so the client has to continue it several times.
const REAL: &str = r#"
import { Client, WorkflowError } from "./workflows.js";
declare const process: { argv: string[] };

const [, , url, token] = process.argv as [string, string, string, string];
let streams = 0;
const cutting: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (!String(input).includes("/events") || response.body === null) return response;
  streams++;
  const reader = response.body.getReader();
  let rest = "";
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (!rest.includes("\n")) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        rest += new TextDecoder().decode(value);
      }
      if (sent === 2) {
        await reader.cancel();
        return controller.error(new TypeError("the connection is cut"));
      }
      const end = rest.indexOf("\n") + 1;
      controller.enqueue(new TextEncoder().encode(rest.slice(0, end)));
      rest = rest.slice(end);
      sent++;
    },
  });
  return new Response(body, { status: response.status });
};
const client = new Client({ url, token, fetch: cutting });
const options = { idempotencyKey: "once", tags: { customer: "acme" } };
const run = await client.start("ordering", { article: "tea", number: 2 }, options);
const again = await client.start("ordering", { article: "tea", number: 2 }, options);
const seen: number[] = [];
let last = "";
for await (const event of run.events()) {
  seen.push(event.sequence);
  last = event.type;
}
const error = async (failing: Promise<unknown>) => {
  const error = await failing.catch((error: unknown) => error);
  return error instanceof WorkflowError ? [error.status, error.code, error.retryable] : String(error);
};
const failed = await client.start("ordering", { article: "nothing", number: 1 });
const stirring = await client.start("stirring", { pot: 1 });
const cancelled = await stirring.cancel("enough");
const stranger = new Client({ url, token: "a token that no server knows" });
console.log(
  JSON.stringify({
    isSame: run.id === again.id,
    isGapless: seen.every((sequence, index) => sequence === index + 1),
    wasCut: streams > 2,
    last,
    output: await run.output(),
    status: await run.status(),
    failed: await error(failed.output()),
    cancelled,
    ended: await error(stirring.output()),
    missing: await error(client.run("ordering", "01890000-0000-7000-8000-000000000000").status()),
    invalid: await error(client.start("ordering", { article: "tea" } as never)),
    stranger: await error(stranger.start("stirring", { pot: 1 })),
  }),
);
"#;

#[test]
fn the_client_starts_follows_and_fails_on_a_real_server() {
    let Some(folder) = compiled(REAL) else { return };
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    let served = Served::new(&world);
    let token = fs::read_to_string(&served.token_file).unwrap();
    let mut node = Command::new("node");
    node.current_dir(folder.path()).args(["program.js", &served.url, token.trim()]);
    let expected = serde_json::json!({
        "isSame": true,
        "isGapless": true,
        "wasCut": true,
        "last": "workflow:completed",
        "output": "6 EUR, the shop",
        "status": "COMPLETED",
        "failed": [409, "RUN_FAILED", false],
        "cancelled": true,
        "ended": [409, "RUN_CANCELLED", false],
        "missing": [404, "RUN_NOT_FOUND", false],
        "invalid": [422, "INVALID_INPUT", false],
        "stranger": [401, "UNAUTHORIZED", false],
    });
    assert_eq!(run(node).json(), expected);
}
