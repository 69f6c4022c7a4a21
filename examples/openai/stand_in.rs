//! A local server with OpenAI's API for chat completions, files and batches.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Returns the response to a prompt; `schema` is the name of the schema that the response must have. `None` declines the
/// request.
pub type Respond = fn(prompt: &str, schema: Option<&str>) -> Option<String>;

/// The number of status requests until a batch is completed.
const CHECKS: u32 = 3;

struct StandIn {
    respond: Respond,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The lines of each uploaded file.
    files: Vec<Vec<Value>>,
    batches: Vec<Batch>,
}

struct Batch {
    file: usize,
    metadata: Value,
    checks: u32,
}

/// Starts the server on a free port and returns its base URL. It runs until the process ends.
pub async fn start(respond: Respond) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let routes = Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v1/files", post(keep))
        .route("/v1/files/{id}/content", get(results))
        .route("/v1/batches", post(submit).get(list))
        .route("/v1/batches/{id}", get(status))
        .with_state(Arc::new(StandIn { respond, kept: Mutex::default() }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(url)
}

type Server = State<Arc<StandIn>>;

async fn complete(State(server): Server, Json(request): Json<Value>) -> Response {
    let (status, body) = server.completion(&request);
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), Json(body)).into_response()
}

/// Stores a file of requests, one per line. Ignores the rest of the form.
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
    kept.batches.push(Batch { file, metadata: request["metadata"].clone(), checks: 0 });
    shown(&kept, kept.batches.len() - 1).into_response()
}

async fn list(State(server): Server) -> Json<Value> {
    let kept = server.kept();
    let data: Vec<Value> = (0..kept.batches.len()).rev().map(|place| shown(&kept, place).0).collect();
    Json(json!({ "object": "list", "data": data, "has_more": false }))
}

async fn status(State(server): Server, Path(id): Path<String>) -> Response {
    let mut kept = server.kept();
    let Some(place) = number(&id).filter(|place| *place < kept.batches.len()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    kept.batches[place].checks += 1;
    shown(&kept, place).into_response()
}

/// Returns the responses to a file of requests, in a different order than the requests.
async fn results(State(server): Server, Path(id): Path<String>) -> Response {
    let lines = number(&id).and_then(|place| server.kept().files.get(place).cloned());
    let Some(lines) = lines else { return StatusCode::NOT_FOUND.into_response() };
    let respond = |line: &Value| {
        let (status_code, body) = server.completion(&line["body"]);
        let response = json!({ "status_code": status_code, "body": body });
        json!({ "custom_id": line["custom_id"], "response": response, "error": null }).to_string()
    };
    lines.iter().rev().map(respond).collect::<Vec<_>>().join("\n").into_response()
}

impl StandIn {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the HTTP status and the body.
    fn completion(&self, request: &Value) -> (u16, Value) {
        let prompt = request["messages"].as_array().and_then(|messages| messages.last());
        let prompt = prompt.and_then(|message| message["content"].as_str()).unwrap_or_default();
        let schema = request["response_format"]["json_schema"]["name"].as_str();
        let Some(text) = (self.respond)(prompt, schema) else {
            let error = json!({ "message": "the stand-in declines", "type": "invalid_request_error" });
            return (400, json!({ "error": error }));
        };
        // About four characters per token.
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
    let is_completed = batch.checks >= CHECKS;
    Json(json!({
        "id": format!("batch-{place}"),
        "object": "batch",
        "status": if is_completed { "completed" } else { "in_progress" },
        "output_file_id": is_completed.then(|| format!("file-{}", batch.file)),
        "metadata": batch.metadata,
    }))
}

/// Returns the number in an id such as `file-3` or `batch-3`.
fn number(id: &str) -> Option<usize> {
    id.rsplit('-').next()?.parse().ok()
}
