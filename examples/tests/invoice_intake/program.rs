//! Runs the program and sends requests to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::programs;

/// A process of the program; it is killed on drop.
pub struct Program {
    child: Child,
    address: String,
    client: reqwest::Client,
}

/// The events of a run, as the server sends them.
pub struct Events {
    response: reqwest::Response,
    received: String,
}

impl Program {
    /// Starts the program on a SQLite file in this folder.
    pub fn on_sqlite(folder: &Path) -> Self {
        Self::start(&folder.join("invoices.db").display().to_string())
    }

    pub fn start(db: &str) -> Self {
        let mut child = Command::new(programs::built("invoice_intake"))
            .args(["--db", db, "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its address, and that of the dashboard.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let [line, dashboard] = [(); 2].map(|()| lines.next().unwrap().unwrap());
        let address = line.strip_prefix("listening on ").expect(&line).to_owned();
        assert_eq!(dashboard, format!("the dashboard is on {address}/ops/"));
        // A client requires a TLS provider, although these requests stay on this machine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, address, client }
    }

    /// Kills the process, as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        Self::send(self.client.get(format!("{}{path}", self.address))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        Self::send(self.client.post(format!("{}{path}", self.address)).json(body)).await
    }

    async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Takes an invoice in, and returns the run's id.
    pub async fn receive(&self, supplier: &str, number: &str) -> String {
        let (status, run) = self.post("/invoices", &invoice(supplier, number, 1_200)).await;
        assert_eq!(status, 202, "{run}");
        run["id"].as_str().unwrap().to_owned()
    }

    pub async fn decide(&self, run: &str, approved: bool) -> u16 {
        let decision = json!({ "approved": approved, "actor": "ada" });
        self.post(&format!("/invoices/{run}/decision"), &decision).await.0
    }

    /// Follows a run, from the event after the one with this number.
    pub async fn events(&self, run: &str, after: u64) -> Events {
        let request = self.client.get(format!("{}/invoices/{run}/events", self.address));
        let response = request.header("Last-Event-ID", after).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Events { response, received: String::new() }
    }

    /// Waits until the run waits for a decision. Returns the number of the event that says so.
    pub async fn until_waiting(&self, run: &str, after: u64) -> u64 {
        self.events(run, after).await.until("workflow:suspended").await["sequence"].as_u64().unwrap()
    }

    pub async fn status(&self, run: &str) -> Value {
        self.get(&format!("/invoices/{run}")).await.1["run"]["status"].clone()
    }

    pub async fn ledger(&self) -> Vec<Value> {
        self.get("/ledger").await.1.as_array().unwrap().clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Events {
    /// Returns the next event; `None` after the last one.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((message, rest)) = self.received.split_once("\n\n") {
                let data = message.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.received = String::from(rest);
                // A message without data only keeps the connection.
                let Some(data) = data else { continue };
                return Some(serde_json::from_str(&data).unwrap());
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.received.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Returns the next event of this type.
    pub async fn until(&mut self, name: &str) -> Value {
        let mut seen = Vec::new();
        while let Some(event) = self.next().await {
            if event["type"] == name {
                return event;
            }
            seen.push(event.to_string());
        }
        panic!("the stream has ended without `{name}`: {seen:#?}");
    }

    /// Returns the types of all events that follow.
    pub async fn names(mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(event) = self.next().await {
            names.push(event["type"].as_str().unwrap().to_owned());
        }
        names
    }
}

pub fn invoice(supplier: &str, number: &str, cents: i64) -> Value {
    let lines = [json!({ "article": "tea", "cents": cents }), json!({ "article": "cups", "cents": 300 })];
    json!({ "number": number, "supplier": supplier, "lines": lines })
}
