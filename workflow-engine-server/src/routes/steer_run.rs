//! Steering one run.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::kernel::AttachAnnotation;
use workflow_engine::{Annotation, Cost, Json as Payload, StageKey};

use super::Route;
use super::run_detail::check_match;
use super::start_run::DryRun;
use crate::app::App;
use crate::authorize::Caller;
use crate::problem::Problem;
use crate::request::{IdempotencyKey, JsonBody, Query, Run};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/runs/{run_id}/cancel", "cancelRun", cancel)
            .summary("Cancels a run. A repeated request has no further effect.")
            .header("If-Match")
            .body::<Cancel>()
            .json::<Cancelled>(200, "Whether the run was cancelled."),
        Route::post("/runs/{run_id}/rerun", "rerunRun", rerun)
            .summary("Runs an ended run again from a stage; with `dry_run` only tells which stages.")
            .query::<DryRun>()
            .header("If-Match")
            .header("Idempotency-Key")
            .body::<Rerun>()
            .json::<Reran>(200, "The stages that run again, or would."),
        Route::post("/runs/{run_id}/wake", "wakeStage", wake)
            .summary("Checks a waiting stage now.")
            .header("If-Match")
            .body::<Wake>()
            .json::<Woken>(200, "Whether the stage waited."),
        Route::post("/runs/{run_id}/budget", "raiseBudget", budget)
            .summary("Raises the budget of a run or of one of its stages. A repeated request has no further effect.")
            .header("If-Match")
            .body::<Raise>()
            .json::<Raised>(200, "The number of resumed stages."),
        Route::post("/runs/{run_id}/annotations", "annotateRun", annotate)
            .summary("Annotates a run or one of its stages.")
            .header("If-Match")
            .header("Idempotency-Key")
            .body::<Annotate>()
            .json::<Annotated>(200, "The number of attributes."),
    ]
}

/// A cancellation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cancel {
    /// The reason, which the run keeps.
    reason: Option<String>,
}

/// The result of a cancellation.
#[derive(Serialize, JsonSchema)]
struct Cancelled {
    /// `false` if the run had ended.
    cancelled: bool,
}

async fn cancel(
    State(_): State<App>,
    caller: Caller,
    Run(run): Run,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Cancel>,
) -> Result<Json<Cancelled>, Problem> {
    check_match(&headers, &run).await?;
    let reason = body.reason.unwrap_or_else(|| format!("cancelled by {}", caller.name));
    let cancelled = run.cancel(reason).await?;
    Ok(Json(Cancelled { cancelled }))
}

/// A rerun.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rerun {
    /// The stage to start from. Every stage before it must have completed.
    from_stage: String,
}

/// The stages that run again.
#[derive(Serialize, JsonSchema)]
struct Reran {
    /// The run's next generation.
    generation: u32,
    /// The stages, in reading order.
    stages: Vec<String>,
}

async fn rerun(
    State(_): State<App>,
    Run(run): Run,
    Query(DryRun { dry_run }): Query<DryRun>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Rerun>,
) -> Result<Json<Reran>, Problem> {
    check_match(&headers, &run).await?;
    let rerun = run.rerun_from(body.from_stage);
    let rerun = match key {
        Some(key) => rerun.idempotency_key(key),
        None => rerun,
    };
    let output = if dry_run.0 { rerun.dry_run().await? } else { rerun.await? };
    Ok(Json(Reran { generation: output.generation, stages: output.stages }))
}

/// A call of a waiting stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wake {
    /// The stage.
    stage: String,
}

/// The result of the call.
#[derive(Serialize, JsonSchema)]
struct Woken {
    /// `false` if the stage does not wait.
    woken: bool,
}

async fn wake(
    State(_): State<App>,
    Run(run): Run,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Wake>,
) -> Result<Json<Woken>, Problem> {
    check_match(&headers, &run).await?;
    let woken = run.wake(&body.stage).await?;
    Ok(Json(Woken { woken }))
}

/// A new budget.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Raise {
    /// The limit of the cost: at least the old one.
    budget: Cost,
    /// The stage; absent for the run's own budget.
    stage: Option<String>,
}

/// The result of a raise.
#[derive(Serialize, JsonSchema)]
struct Raised {
    /// The number of stages that waited for the budget and resume.
    resumed: usize,
}

async fn budget(
    State(_): State<App>,
    Run(run): Run,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Raise>,
) -> Result<Json<Raised>, Problem> {
    check_match(&headers, &run).await?;
    let resumed = match body.stage {
        Some(stage) => run.raise_stage_budget(stage, body.budget).await?,
        None => run.raise_budget(body.budget).await?,
    };
    Ok(Json(Raised { resumed }))
}

/// An annotation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Annotate {
    /// The attributes by key: 1 to 64, each value up to 16 KiB of JSON.
    attributes: BTreeMap<String, Payload>,
    /// The stage; absent for the run.
    stage: Option<String>,
    /// The scope in which the annotation counts.
    scope: Option<String>,
    /// Further data, up to 256 KiB of JSON.
    payload: Option<Payload>,
    /// Whether each attribute emits an event.
    #[serde(default)]
    emit_event: bool,
}

/// The result of an annotation.
#[derive(Serialize, JsonSchema)]
struct Annotated {
    /// The number of attributes.
    attached: usize,
}

async fn annotate(
    State(app): State<App>,
    caller: Caller,
    Run(run): Run,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Annotate>,
) -> Result<Json<Annotated>, Problem> {
    check_match(&headers, &run).await?;
    let mut annotation = Annotation::default().actor(&caller.name);
    annotation.attributes = body.attributes;
    annotation.scope = body.scope;
    annotation.payload = body.payload;
    annotation.emit_event = body.emit_event;
    let mut command = AttachAnnotation::new(run.id(), annotation);
    command.stage_key = body.stage.map(StageKey::from);
    command.idempotency_key = key;
    let output = app.engine.by(caller.actor()).dispatch(command).await?;
    Ok(Json(Annotated { attached: output.attached }))
}
