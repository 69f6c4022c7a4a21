//! The program `serverless`, used over HTTP.

mod programs;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A process of the program; it is killed on drop.
struct Program {
    child: Child,
    address: String,
    client: reqwest::Client,
}

impl Program {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(programs::built("serverless"))
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        // A client requires a TLS provider, although these requests stay on this machine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, address, client }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        Self::send(self.client.get(format!("{}{path}", self.address))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_with_key(path, body, None).await
    }

    async fn post_with_key(&self, path: &str, body: &Value, key: Option<&str>) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.address));
        let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        Self::send(request.header("Content-Type", "application/json").body(body.to_string())).await
    }

    async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn place(&self, order: &Value) -> String {
        let (status, message) = self.post("/orders", order).await;
        assert_eq!(status, 202, "{message}");
        message["run_id"].as_str().unwrap().to_owned()
    }

    async fn work(&self, max_jobs: usize) -> Value {
        let (status, done) = self.post(&format!("/work?max_jobs={max_jobs}"), &Value::Null).await;
        assert_eq!(status, 200, "{done}");
        done
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tea(quantity: u32) -> Value {
    json!({ "customer": "Ada", "items": [{ "sku": "tea", "quantity": quantity }] })
}

#[tokio::test]
async fn one_request_is_one_stage_and_a_killed_process_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let run = program.place(&tea(2)).await;
    assert_eq!(program.get(&format!("/orders/{run}")).await, (200, json!({ "status": "PENDING" })));
    assert_eq!(program.work(1).await, json!({ "processed": 1, "succeeded": 1, "failed": 0 }));
    assert_eq!(program.get(&format!("/orders/{run}")).await, (200, json!({ "status": "RUNNING" })));
    drop(program);

    let program = Program::start(folder.path());
    assert_eq!(program.work(10).await, json!({ "processed": 3, "succeeded": 3, "failed": 0 }));
    let (_, order) = program.get(&format!("/orders/{run}")).await;
    assert_eq!(order["status"], "COMPLETED");
    assert_eq!(order["receipt"]["text"], "2 pieces for Ada, 9.00 in all");
    assert_eq!(program.work(10).await["processed"], 0);
}

#[tokio::test]
async fn messages_of_a_queue_alone_complete_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let run = program.place(&tea(1)).await;
    let mut queue = vec![json!({ "run_id": run })];
    while let Some(message) = queue.pop() {
        let (status, handled) = program.post("/jobs", &message).await;
        assert_eq!(status, 200, "{handled}");
        queue.extend(handled["ready"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(program.get(&format!("/orders/{run}")).await.1["status"], "COMPLETED");
}

#[tokio::test]
async fn a_repeated_request_returns_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let first = program.post_with_key("/orders", &tea(1), Some("cart-7")).await;
    assert_eq!(first.0, 202);
    assert_eq!(program.post_with_key("/orders", &tea(1), Some("cart-7")).await, first);
    let (status, error) = program.post_with_key("/orders", &tea(2), Some("cart-7")).await;
    assert_eq!((status, &error["code"]), (409, &json!("IDEMPOTENCY_CONFLICT")));
    assert_eq!(program.work(10).await["processed"], 4);
}

#[tokio::test]
async fn errors_have_a_status_and_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    let (status, error) = program.get("/orders/nonsense").await;
    assert_eq!((status, &error["code"]), (400, &json!("INVALID_RUN_ID")));
    let (status, error) = program.get("/orders/01900000-0000-7000-8000-000000000000").await;
    assert_eq!((status, &error["code"]), (404, &json!("RUN_NOT_FOUND")));
    assert_eq!(program.post("/orders", &json!({ "customer": "Ada" })).await.0, 422);

    let run = program.place(&json!({ "customer": "Ada", "items": [{ "sku": "gold", "quantity": 1 }] })).await;
    assert_eq!(program.work(10).await, json!({ "processed": 1, "succeeded": 0, "failed": 1 }));
    let (_, order) = program.get(&format!("/orders/{run}")).await;
    assert_eq!(order["status"], "FAILED");
    let error = order["error"].as_str().unwrap();
    assert!(error.contains("there is no article `gold`"), "{error}");
}

#[tokio::test]
async fn a_tick_starts_pending_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path());
    program.place(&tea(1)).await;
    let (status, report) = program.post("/tick", &Value::Null).await;
    assert_eq!((status, &report["claimed"], &report["failed"]), (200, &json!(1), &json!([])));
    assert!(report["next_due"].is_string(), "{report}");
}
