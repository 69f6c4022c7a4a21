//! Starting a run.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::kernel::CreateRun;
use workflow_engine::{Cost, Error, ErrorCode, Json as Payload, RunId, Status};

use super::{BASE, Route};
use crate::app::App;
use crate::authorize::Caller;
use crate::problem::{InvalidPlace, Problem};
use crate::request::{Flag, IdempotencyKey, JsonBody, Query};

/// The most places of invalid input that an answer names.
const MAX_PLACES: usize = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/runs", "startRun", start)
            .summary("Starts a run; with `dry_run` only checks the request.")
            .query::<DryRun>()
            .header("Idempotency-Key")
            .body::<StartRun>()
            .json::<Started>(201, "The run is stored; `Location` has its address.")
            .json::<Checked>(200, "The request is valid (`dry_run`)."),
    ]
}

/// Whether to check only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRun {
    /// Only checks the request, and changes nothing.
    #[serde(default)]
    pub(super) dry_run: Flag,
}

/// A new run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StartRun {
    /// The workflow's id.
    workflow: String,
    /// The version; default the newest that the server has registered.
    version: Option<u32>,
    /// The workflow's input.
    input: Payload,
    /// The configuration: an object from stage ids to their fields. Absent fields take their defaults.
    config: Option<Payload>,
    /// The priority. Higher is claimed first. Default 5.
    priority: Option<i32>,
    /// The caller's own data, stored with the run.
    metadata: Option<Payload>,
    /// The tags by which the run can be found: at most 16, with keys of 64 bytes and values of 256 bytes.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// The highest cost of its calls of models.
    budget: Option<Cost>,
    /// The instant at which the run starts; default at once.
    start_at: Option<DateTime<Utc>>,
    /// The milliseconds after which the run starts; not together with `start_at`.
    start_after_ms: Option<u64>,
    /// The longest time of the run, in milliseconds; default the `deadline` of the workflow.
    deadline_ms: Option<u64>,
}

/// The started run.
#[derive(Serialize, JsonSchema)]
struct Started {
    /// The run's id.
    run_id: RunId,
    /// The run's status now.
    status: Status,
}

/// The result of a check.
#[derive(Serialize, JsonSchema)]
struct Checked {
    /// Always `true`: a request that is not valid is an error.
    valid: bool,
}

async fn start(
    State(app): State<App>,
    caller: Caller,
    Query(DryRun { dry_run }): Query<DryRun>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<StartRun>,
) -> Result<Response, Problem> {
    let mut command = CreateRun::new(body.workflow, body.input);
    command.version = body.version;
    command.config = body.config;
    command.priority = body.priority;
    command.metadata = body.metadata;
    command.tags = body.tags;
    command.budget = body.budget;
    command.idempotency_key = key;
    command.start_at = body.start_at;
    command.start_after = body.start_after_ms.map(Duration::from_millis);
    command.deadline = body.deadline_ms.map(Duration::from_millis);
    let input = command.input.clone();
    let (workflow, version) = (command.workflow_id.clone(), command.version);
    let refused = |error: Error| refusal(&app, error, &workflow, version, &input);
    if dry_run.0 {
        app.engine.check_run(&command).map_err(refused)?;
        return Ok(Json(Checked { valid: true }).into_response());
    }
    let created = app.engine.by(caller.actor()).dispatch(command).await.map_err(refused)?;
    let started = Started { run_id: created.run_id, status: created.status };
    let mut response = (StatusCode::CREATED, Json(started)).into_response();
    let location = format!("{}{BASE}/runs/{}", app.settings.path(), created.run_id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Names the places of an input that its schema refuses.
fn refusal(app: &App, error: Error, workflow: &str, version: Option<u32>, input: &Payload) -> Problem {
    let is_input = error.code() == ErrorCode::InvalidInput;
    let problem = Problem::from(error);
    if !is_input {
        return problem;
    }
    let Ok(registered) = app.engine.kernel().registry().for_new_run(workflow, version) else {
        return problem;
    };
    let schema = registered.definition().input_schema().to_value();
    let places = places(&schema, input);
    // The text of the error names what the schema does not.
    problem.with_places(places)
}

fn places(schema: &serde_json::Value, input: &Payload) -> Vec<InvalidPlace> {
    let (Ok(input), Ok(validator)) = (input.decode(), jsonschema::validator_for(schema)) else {
        return Vec::new();
    };
    let errors = validator.iter_errors(&input).take(MAX_PLACES);
    errors
        .map(|error| InvalidPlace {
            pointer: format!("/input{}", error.instance_path()),
            detail: error.masked().to_string(),
        })
        .collect()
}
