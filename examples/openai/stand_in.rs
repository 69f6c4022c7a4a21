//! A server that speaks as OpenAI does: answers, and batches that take a while.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What it answers a prompt with, and the name of the schema that the answer must have; `None` is a refusal.
pub type Answer = fn(prompt: &str, schema: Option<&str>) -> Option<String>;

/// How often it is asked for a batch before that is completed.
const LOOKS: u32 = 3;

struct StandIn {
    answer: Answer,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The lines of each file that came up.
    files: Vec<Vec<Value>>,
    batches: Vec<Batch>,
}

struct Batch {
    file: usize,
    metadata: Value,
    looks: u32,
}

/// Starts it on a port that is free, and answers its base URL. It ends with the process.
pub async fn start(answer: Answer) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let routes = Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/files", post(keep))
        .route("/v1/files/{id}/content", get(results))
        .route("/v1/batches", post(submit).get(list))
        .route("/v1/batches/{id}", get(look))
        .with_state(Arc::new(StandIn { answer, kept: Mutex::default() }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

type Server = State<Arc<StandIn>>;

async fn complete(State(server): Server, Json(request): Json<Value>) -> Response {
    let (status, body) = server.completion(&request);
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), Json(body)).into_response()
}

/// A file of requests, one a line. The rest of the form is of no interest here.
async fn keep(State(server): Server, form: String) -> Json<Value> {
    let lines = form.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let files = &mut server.kept().files;
    files.push(lines);
    Json(json!({ "id": format!("file-{}", files.len() - 1), "object": "file", "purpose": "batch" }))
}

async fn submit(State(server): Server, Json(request): Json<Value>) -> Response {
    let mut kept = server.kept();
    let file = number(request["input_file_id"].as_str().unwrap_or_default());
    let Some(file) = file.filter(|file| *file < kept.files.len()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    kept.batches.push(Batch { file, metadata: request["metadata"].clone(), looks: 0 });
    shown(&kept, kept.batches.len() - 1).into_response()
}

async fn list(State(server): Server) -> Json<Value> {
    let kept = server.kept();
    let data: Vec<Value> = (0..kept.batches.len()).rev().map(|place| shown(&kept, place).0).collect();
    Json(json!({ "object": "list", "data": data, "has_more": false }))
}

async fn look(State(server): Server, Path(id): Path<String>) -> Response {
    let mut kept = server.kept();
    let Some(place) = number(&id).filter(|place| *place < kept.batches.len()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    kept.batches[place].looks += 1;
    shown(&kept, place).into_response()
}

/// The answers to a file of requests, in an order of their own.
async fn results(State(server): Server, Path(id): Path<String>) -> Response {
    let lines = number(&id).and_then(|place| server.kept().files.get(place).cloned());
    let Some(lines) = lines else { return StatusCode::NOT_FOUND.into_response() };
    let answer = |line: &Value| {
        let (status_code, body) = server.completion(&line["body"]);
        let response = json!({ "status_code": status_code, "body": body });
        json!({ "custom_id": line["custom_id"], "response": response, "error": null }).to_string()
    };
    lines.iter().rev().map(answer).collect::<Vec<_>>().join("\n").into_response()
}

impl StandIn {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// HTTP status and body.
    fn completion(&self, request: &Value) -> (u16, Value) {
        let prompt = request["messages"].as_array().and_then(|messages| messages.last());
        let prompt = prompt.and_then(|message| message["content"].as_str()).unwrap_or_default();
        let schema = request["response_format"]["json_schema"]["name"].as_str();
        let Some(text) = (self.answer)(prompt, schema) else {
            let error = json!({ "message": "the stand-in declines", "type": "invalid_request_error" });
            return (400, json!({ "error": error }));
        };
        // About four characters a token.
        let (input, output) = (prompt.len().div_ceil(4), text.len().div_ceil(4));
        let message = json!({ "role": "assistant", "content": text });
        let body = json!({
            "object": "chat.completion",
            "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output },
        });
        (200, body)
    }
}

fn shown(kept: &Kept, place: usize) -> Json<Value> {
    let batch = &kept.batches[place];
    let is_over = batch.looks >= LOOKS;
    Json(json!({
        "id": format!("batch-{place}"),
        "object": "batch",
        "status": if is_over { "completed" } else { "in_progress" },
        "output_file_id": is_over.then(|| format!("file-{}", batch.file)),
        "metadata": batch.metadata,
    }))
}

/// Of `file-3` and `batch-3`.
fn number(id: &str) -> Option<usize> {
    id.rsplit('-').next()?.parse().ok()
}
