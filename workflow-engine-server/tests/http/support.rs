//! A server with workflows, and its client.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use workflow_engine::prelude::*;
use workflow_engine::{Engine, EngineBuilder, LogLevel};
use workflow_engine_server::{Grant, RunningServer, Server, Token};

pub const READER: &str = "reader-reader-reader";
pub const VIEWER: &str = "viewer-viewer-viewer";
pub const OPERATOR: &str = "operator-operator-operator";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    pub user: String,
    pub password: String,
}

/// Multiplies, logs and keeps an artifact.
#[stage]
pub async fn multiply(
    number: u64,
    #[config(default = 2)] factor: u64,
    ctx: &StageContext,
) -> StageResult<u64> {
    ctx.log(LogLevel::Info, "multiplied", json!({ "number": number, "token": "log-token" }));
    ctx.put_artifact("working", &json!({ "number": number, "api_key": "artifact-key" }))?;
    Ok(number * factor)
}

#[stage]
pub async fn increment(number: u64) -> StageResult<u64> {
    Ok(number + 1)
}

/// Fails, unless its input is even.
#[stage]
pub async fn refuse_odd(number: u64) -> StageResult<u64> {
    if number % 2 == 1 {
        return Err(StageError::permanent("the number is odd"));
    }
    Ok(number)
}

#[stage]
pub async fn check_account(account: Account) -> StageResult<Account> {
    Ok(account)
}

#[stage(check = answered, poll_every = "1h")]
pub async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

#[check]
pub async fn answered(question: &String) -> StageResult<Check<usize>> {
    Ok(Check::Ready(question.len()))
}

workflow! { pub Calculation = multiply >> increment }
workflow! { pub Even = refuse_odd }
workflow! { pub Login = check_account }
workflow! { pub Asking = ask }

#[stage(signal = Approval, give_up_after = "7d")]
pub async fn approve(account: Account) -> StageResult<Account> {
    Ok(account)
}

workflow! { pub Approving = approve }

/// A server, its engine, and a client.
pub struct Served {
    pub engine: Engine,
    pub server: RunningServer,
    pub client: reqwest::Client,
}

/// Adds the workflows to an engine.
pub fn with_workflows(builder: EngineBuilder) -> EngineBuilder {
    builder
        .register::<Calculation>()
        .register::<Even>()
        .register::<Login>()
        .register::<Asking>()
        .register::<Approving>()
}

/// Serves an engine in memory with three tokens.
pub async fn served() -> Served {
    served_with(|server| server).await
}

pub async fn served_with(settings: impl FnOnce(Server) -> Server) -> Served {
    let engine = with_workflows(Engine::builder("memory:")).build().await.unwrap();
    serve(engine, settings).await
}

pub async fn serve(engine: Engine, settings: impl FnOnce(Server) -> Server) -> Served {
    let server = Server::new(engine.clone())
        .address(([127, 0, 0, 1], 0).into())
        .token(Token::new("reader", Grant::Read, READER).unwrap())
        .token(Token::new("viewer", Grant::ReadPayloads, VIEWER).unwrap())
        .token(Token::new("operator", Grant::Operate, OPERATOR).unwrap());
    let server = settings(server).listen().await.unwrap();
    Served { engine, server, client: client() }
}

/// Makes a client, for HTTP alone.
pub fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap()
}

impl Served {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.client.request(method, self.url(&format!("/api/v1{path}"))).bearer_auth(token)
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Response {
        self.request(Method::GET, path, token).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.get_as(OPERATOR, path).await
    }

    pub async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        body(response).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path, OPERATOR).json(body).send().await.unwrap()
    }

    /// Starts a run and returns its id.
    pub async fn start(&self, workflow: &str, input: Value) -> String {
        let response = self.post("/runs", &json!({ "workflow": workflow, "input": input })).await;
        assert_eq!(response.status(), 201);
        body(response).await["run_id"].as_str().unwrap().to_owned()
    }

    /// Starts a run, waits for its end, and returns its id.
    pub async fn run(&self, workflow: &str, input: Value) -> String {
        let id = self.start(workflow, input).await;
        self.get(&format!("/runs/{id}/output?wait=20s")).await;
        id
    }
}

pub async fn body(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks that an answer is a problem with this status and code.
pub async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{code}");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let got = response.status();
    let problem = body(response).await;
    assert_eq!((got.as_u16(), problem["code"].as_str().unwrap()), (status, code), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], id);
    problem
}
