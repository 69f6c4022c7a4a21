//! Forking a run.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::{Json as Payload, RunId};

use super::run_detail::check_match;
use super::start_run::DryRun;
use super::{BASE, Route};
use crate::app::App;
use crate::problem::Problem;
use crate::request::{IdempotencyKey, JsonBody, Query, Run};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/runs/{run_id}/fork", "forkRun", fork)
            .summary("Creates a run that takes over what this one has completed before a stage.")
            .query::<DryRun>()
            .header("If-Match")
            .header("Idempotency-Key")
            .body::<Fork>()
            .json::<Forked>(201, "The new run is stored; `Location` has its address.")
            .json::<Forked>(200, "What the fork would run (`dry_run`)."),
    ]
}

/// A fork.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fork {
    /// The stage to start from. Every stage before it must have completed.
    from_stage: String,
    /// Another input; only from the start, where no stage is taken over.
    input: Option<Payload>,
    /// Another configuration: an object from stage ids to their fields. Absent fields take their defaults.
    config: Option<Payload>,
    /// Other outputs of stages that are taken over, by stage.
    #[serde(default)]
    outputs: BTreeMap<String, Payload>,
}

/// The new run.
#[derive(Serialize, JsonSchema)]
struct Forked {
    /// Its id; `null` for a dry run.
    run_id: Option<RunId>,
    /// The stages whose outputs it takes over, in reading order.
    taken_over: Vec<String>,
    /// The stages that it runs, in reading order.
    stages: Vec<String>,
}

async fn fork(
    State(app): State<App>,
    Run(run): Run,
    Query(DryRun { dry_run }): Query<DryRun>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Fork>,
) -> Result<Response, Problem> {
    check_match(&headers, &run).await?;
    let mut fork = run.fork_from(body.from_stage);
    if let Some(input) = body.input {
        fork = fork.input(input);
    }
    if let Some(config) = body.config {
        fork = fork.config(config);
    }
    for (stage_id, output) in body.outputs {
        fork = fork.output(stage_id, output);
    }
    if let Some(key) = key {
        fork = fork.idempotency_key(key);
    }
    let output = if dry_run.0 { fork.dry_run().await? } else { fork.await? };
    let status = if output.run_id.is_some() { StatusCode::CREATED } else { StatusCode::OK };
    let location = output.run_id.map(|id| format!("{}{BASE}/runs/{id}", app.settings.path()));
    let forked = Forked { run_id: output.run_id, taken_over: output.taken_over, stages: output.stages };
    let mut response = (status, Json(forked)).into_response();
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
