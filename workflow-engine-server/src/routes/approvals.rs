//! Signals to the stages of a run, and the inbox of those that wait for one.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use workflow_engine::{ApprovalId, Json as Payload, PendingApproval, Signal};

use super::Route;
use super::run_detail::check_match;
use crate::app::App;
use crate::authorize::Caller;
use crate::page::{PageQuery, PageView, Place};
use crate::problem::Problem;
use crate::request::{IdempotencyKey, JsonBody, PathParams, Query, Run};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/runs/{run_id}/signal", "signalStage", signal)
            .summary("Sends a signal to a stage that waits for one: its payload becomes the stage's output.")
            .header("If-Match")
            .header("Idempotency-Key")
            .body::<SendSignal>()
            .json::<Signalled>(200, "The signal is stored."),
        Route::get("/runs/{run_id}/stages/{stage_id}/form", "stageForm", form)
            .summary("Returns the JSON Schema of the payload that a stage waits for.")
            .json::<Value>(200, "The schema."),
        Route::get("/approvals", "listApprovals", approvals)
            .payloads()
            .summary("Lists the stages that wait for a signal, by deadline, with question and form.")
            .query::<PageQuery>()
            .json::<PageView<PendingApproval>>(200, "A page of stages."),
        Route::post("/approvals/{approval_id}", "answerApproval", respond)
            .summary("Sends its signal to a stage that waits.")
            .header("Idempotency-Key")
            .body::<Answer>()
            .json::<Signalled>(200, "The signal is stored."),
    ]
}

/// A signal.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SendSignal {
    /// The stage.
    stage: String,
    /// The payload, of the type that the stage waits for.
    payload: Payload,
    /// Who sends it, in 1 to 255 bytes without control characters. Default: the name of the token.
    #[serde(default, deserialize_with = "actor_name")]
    #[schemars(length(min = 1, max = 255))]
    actor: Option<String>,
}

/// The answer to a stage that waits.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// The payload, of the type that the stage waits for.
    payload: Payload,
    /// Who sends it, in 1 to 255 bytes without control characters. Default: the name of the token.
    #[serde(default, deserialize_with = "actor_name")]
    #[schemars(length(min = 1, max = 255))]
    actor: Option<String>,
}

/// The result of a signal.
#[derive(Serialize, JsonSchema)]
pub(super) struct Signalled {
    /// Always `true`: a signal that is not stored is an error.
    signalled: bool,
}

async fn signal(
    State(_): State<App>,
    Run(run): Run,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SendSignal>,
) -> Result<Json<Signalled>, Problem> {
    check_match(&headers, &run).await?;
    send(run.signal(body.stage, body.payload), body.actor, key).await
}

async fn form(State(_): State<App>, Run(run): Run, params: PathParams) -> Result<Json<Value>, Problem> {
    let stage_id = params.get("stage_id");
    let schema = run.signal_schema(stage_id).await?;
    let missing = || Problem::not_found(format!("stage `{stage_id}` does not wait for a signal"));
    schema.map(Json).ok_or_else(missing)
}

async fn approvals(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<PendingApproval>>, Problem> {
    let place = Place::new(&"approvals", query.limit, query.after.as_deref())?;
    let page = place.read(app.engine.approvals()).await?;
    Ok(Json(place.view(page, |mut approval| {
        approval.question = app.redactor.json(&approval.question);
        approval
    })))
}

async fn respond(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body): JsonBody<Answer>,
) -> Result<Json<Signalled>, Problem> {
    let id: ApprovalId = params.get("approval_id").parse()?;
    send(app.engine.by(caller.actor()).answer(&id, body.payload), body.actor, key).await
}

async fn send(
    signal: Signal,
    actor: Option<String>,
    key: Option<String>,
) -> Result<Json<Signalled>, Problem> {
    let signal = match actor {
        Some(actor) => signal.actor(actor),
        None => signal,
    };
    match key {
        Some(key) => signal.idempotency_key(key).await?,
        None => signal.await?,
    }
    Ok(Json(Signalled { signalled: true }))
}

/// Reads the name of an actor, and refuses an invalid one. The engine would check the state of the run first, and refuse
/// the request for that.
fn actor_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    let is_valid = |name: &String| (1..=255).contains(&name.len()) && !name.contains(char::is_control);
    if name.as_ref().is_none_or(is_valid) {
        return Ok(name);
    }
    Err(serde::de::Error::custom("`actor` has 1 to 255 bytes and no control characters"))
}
