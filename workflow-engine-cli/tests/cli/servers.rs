//! The commands on a server: they print what they print on the store, and the same exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use crate::programs::{Output, run, shop, signal, start, wfe};
use crate::world::{NOTHING, TEA, World};

const SECRET: &str = "a token for the tests of the command line";

/// A server of the shop with a worker.
pub struct Served {
    pub url: String,
    /// The file of the first token.
    pub token_file: PathBuf,
    child: Child,
}

impl Served {
    pub fn new(world: &World) -> Self {
        Self::with_tokens(world, &[("ops", "operate", SECRET)])
    }

    /// Starts a server with these tokens: name, grant and text. The file of a token has its name.
    pub fn with_tokens(world: &World, tokens: &[(&str, &str, &str)]) -> Self {
        let mut command = world.shop_command(&["serve", "--worker", "--listen", "127.0.0.1:0"]);
        let file = |name: &str| world.folder.path().join(name);
        for (name, grant, text) in tokens {
            std::fs::write(file(name), format!("{text}\n")).unwrap();
            command.args(["--token", &format!("{name}:{grant}:file:{}", file(name).display())]);
        }
        let mut child = start(command);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| Some(line.ok()?.split_once("workflow-engine: ")?.1.to_owned()));
        // What it logs later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = address.unwrap().trim_end_matches('/').to_owned();
        Self { url, token_file: file(tokens[0].0), child }
    }

    pub fn wfe(&self, arguments: &[&str]) -> Output {
        self.wfe_with(&self.token_file, arguments)
    }

    /// Runs a command with the token in this file.
    pub fn wfe_with(&self, token_file: &Path, arguments: &[&str]) -> Output {
        let mut command = wfe();
        command.args(["--server", &self.url, "--token-file"]).arg(token_file).args(arguments);
        run(command)
    }

    /// Returns the body of an answer, byte for byte.
    fn body(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        let head = format!(
            "GET /api/v1{path} HTTP/1.0\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        signal(&self.child, "TERM");
        self.child.wait().unwrap();
    }
}

#[test]
fn a_server_and_its_store_answer_the_same_and_so_does_the_api() {
    let world = World::new();
    let (good, bad) = (world.executed(TEA, &["--tag", "customer=acme"]), world.executed(NOTHING, &[]));
    let served = Served::new(&world);
    let paths: [(&[&str], String); 11] = [
        (&["runs", "list"], "/runs?limit=20".into()),
        (&["runs", "list", "--most-expensive"], "/runs/most-expensive".into()),
        (
            &["runs", "list", "--tag", "customer=acme", "--phase", "completed"],
            "/runs?tag=customer:acme".into(),
        ),
        (&["runs", "list", "--count"], "/runs/count".into()),
        (&["runs", "show", &good], format!("/runs/{good}")),
        (&["runs", "timeline", &bad], format!("/runs/{bad}/timeline")),
        (&["workflows", "list"], "/workflows".into()),
        (&["workflows", "stats", "ordering"], "/workflows/ordering/statistics".into()),
        (&["queue"], "/queue".into()),
        (&["costs", "--by", "day,model"], "/costs?by=day&by=model".into()),
        (&["actions"], "/actions?limit=20".into()),
    ];
    for (arguments, path) in &paths {
        let line = [&["-o", "ndjson"], *arguments].concat();
        let json = [&["-o", "json"], *arguments].concat();
        // The server has the workflows, and `wfe` on a store does not.
        let as_without_code =
            |text: String| text.replace(r#""is_executable": true"#, r#""is_executable": false"#);
        let by_server = as_without_code(served.wfe(&json).done());
        assert_eq!(by_server, world.wfe(&json).done(), "{arguments:?}");
        let table = [&["--tz", "utc"], *arguments].concat();
        assert_eq!(served.wfe(&table).done(), world.wfe(&table).done(), "{arguments:?}");
        let api: serde_json::Value = serde_json::from_str(&served.body(path)).unwrap();
        assert_eq!(served.wfe(&json).json(), api, "{arguments:?}");
        if api.get("items").is_none() {
            assert_eq!(served.wfe(&line).done().trim_end(), served.body(path), "{arguments:?}");
        }
    }
    for arguments in [
        &["runs", "events", &good][..],
        &["runs", "logs", &good],
        &["runs", "logs", &good, "--tail", "1"],
        &["runs", "output", &good],
        &["runs", "output", &good, "--stage", "price"],
        &["runs", "show", &good, "--input"],
        &["runs", "compare", &good, &bad],
        &["workflows", "show", "ordering"],
        &["workflows", "graph", "ordering", "--format", "svg"],
        &["dead-letters", "list"],
        &["codegen", "typescript"],
    ] {
        assert_eq!(served.wfe(arguments).done(), world.wfe(arguments).done(), "{arguments:?}");
    }
    assert!(served.wfe(&["workers"]).done().contains("running"));
}

#[test]
fn a_run_is_started_followed_and_steered_through_a_server() {
    let world = World::new();
    let served = Served::new(&world);
    let output = served.wfe(&["start", "ordering", "--input", TEA, "--wait", "--key", "k"]);
    assert!(output.stderr.contains("ship: completed"), "{output:#?}");
    assert_eq!(output.done(), "\"6 EUR, the shop\"\n");
    let again = served.wfe(&["start", "ordering", "--input", TEA, "--key", "k"]).done();
    assert_eq!(served.wfe(&["runs", "list", "--key", "k", "-o", "ndjson"]).json()["id"], again.trim());
    served
        .wfe(&["start", "ordering", "--input", NOTHING, "--wait"])
        .fails(1, "there is no article `nothing`");
    let failed = served.wfe(&["runs", "list", "--status", "failed", "-o", "ndjson"]).json();
    let failed = failed["id"].as_str().unwrap();
    served.wfe(&["runs", "watch", failed]).fails(1, "there is no article `nothing`");

    let fork = ["runs", "fork", failed, "--from", "price", "--input", TEA];
    let plan = served.wfe(&[&fork[..], &["--dry-run"]].concat()).done();
    assert_eq!(plan, "would take over nothing, and run price, reserve, invoice, ship\n");
    let forked = served.wfe(&[&["-o", "json"], &fork[..]].concat()).json();
    let forked = forked["run_id"].as_str().unwrap();
    assert_eq!(served.wfe(&["runs", "output", forked, "--wait"]).done(), "\"6 EUR, the shop\"\n");
    assert!(served.wfe(&["runs", "compare", failed, forked]).done().contains("COMPLETED"));

    let open = served.wfe(&["start", "stirring", "--input", r#"{"pot":1}"#]).done();
    served.wfe(&["runs", "cancel", open.trim(), "--reason", "enough"]).done();
    served.wfe(&["runs", "output", open.trim()]).fails(7, "was cancelled: enough");
    let actions = served.wfe(&["actions", "-o", "json"]).json();
    let who: Vec<_> = actions["items"].as_array().unwrap().iter().map(|item| &item["by"]["name"]).collect();
    assert_eq!(who, ["ops", "ops"], "{actions}");
}

#[test]
fn a_server_has_the_exit_codes_of_a_store() {
    let world = World::new();
    let run_id = world.started("stirring", r#"{"pot":1}"#, &[]);
    let served = Served::new(&world);
    let missing = "01890000-0000-7000-8000-000000000000";
    served.wfe(&["runs", "show", missing]).fails(3, "RUN_NOT_FOUND");
    served.wfe(&["start", "unknown"]).fails(3, "WORKFLOW_NOT_FOUND");
    served.wfe(&["start", "ordering", "--input", r#"{"article":"tea"}"#]).fails(2, "INVALID_INPUT");
    served.wfe(&["runs", "rerun", &run_id, "--from", "stir"]).fails(4, "RUN_NOT_TERMINAL");
    served.wfe(&["runs", "annotate", &run_id, "--set", "a.b=1", "--actor", "ada"]).fails(2, "needs `--db`");
    served.wfe(&["doctor"]).fails(2, "needs the store itself");
    let json = served.wfe(&["-o", "json", "runs", "show", missing]);
    let error: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["code"], &error["retryable"]), (&"RUN_NOT_FOUND".into(), &false.into()));

    let mut without_token = wfe();
    without_token.args(["--server", &served.url, "runs", "list"]);
    run(without_token).fails(6, "--token-file");
    std::fs::write(world.folder.path().join("wrong"), "a token that no server knows").unwrap();
    let mut wrong = wfe();
    wrong
        .args(["--server", &served.url, "runs", "list", "--token-file"])
        .arg(world.folder.path().join("wrong"));
    run(wrong).fails(6, "the token is not valid");
    let mut unreachable = wfe();
    unreachable.args(["--server", "http://127.0.0.1:1", "runs", "list"]);
    run(unreachable).fails(5, "does not answer");
    let mut no_url = wfe();
    no_url.args(["--server", "localhost:7373", "runs", "list"]);
    run(no_url).fails(2, "is not the URL of a server");
}

#[test]
fn the_environment_names_the_server() {
    let world = World::new();
    let run_id = world.started("stirring", r#"{"pot":1}"#, &[]);
    let served = Served::new(&world);
    let mut listed = wfe();
    listed.env("WORKFLOW_ENGINE_SERVER", &served.url).env("WORKFLOW_ENGINE_TOKEN_FILE", &served.token_file);
    listed.args(["runs", "list"]);
    assert!(run(listed).done().contains(&run_id));
}

#[test]
fn a_server_that_others_can_reach_needs_a_token() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    world.wfe(&["serve", "--listen", "0.0.0.0:0"]).fails(2, "can be reached from other machines");
    world.wfe(&["serve", "--listen", "0.0.0.0:0", "--open"]).fails(2, "can be reached from other machines");
    world.wfe(&["serve", "--token", "ops:everything:secret"]).fails(2, "NAME:GRANT:TOKEN");
    let mut shop = shop();
    shop.args(["openapi"]);
    assert_eq!(run(shop).json()["openapi"], "3.1.0");
}

#[test]
fn wfe_serves_the_store_of_a_program_that_is_not_there() {
    let world = World::new();
    let run_id = world.executed(TEA, &[]);
    let mut child = start(world.wfe_command(&["serve", "--listen", "127.0.0.1:0"]));
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.find_map(|line| Some(line.ok()?.split_once("workflow-engine: ")?.1.to_owned())).unwrap();
    let (url, token) = line.split_once("/#token=").unwrap();
    let token_file = world.folder.path().join("made");
    std::fs::write(&token_file, token).unwrap();
    let served = |arguments: &[&str]| {
        let mut command = wfe();
        command.args(["--server", url, "--token-file"]).arg(&token_file).args(arguments);
        run(command)
    };
    assert!(served(&["runs", "list"]).done().contains(&run_id));
    served(&["start", "ordering", "--input", TEA]).fails(3, "WORKFLOW_NOT_FOUND");
    signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
}
