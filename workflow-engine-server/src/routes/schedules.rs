//! Schedules: what starts runs by a clock.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::kernel::{BackfilledTick, PutScheduleOutput};
use workflow_engine::{Json as Payload, RunId, Schedule, ScheduleInfo};

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::page::{PageQuery, PageView, Place};
use crate::problem::Problem;
use crate::request::{IdempotencyKey, JsonBody, PathParams, Query};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/schedules", "listSchedules", list)
            .summary("Lists the schedules by id, with their status and their next five ticks.")
            .query::<PageQuery>()
            .json::<PageView<ScheduleInfo>>(200, "A page of schedules."),
        Route::get("/schedules/{schedule_id}", "showSchedule", show)
            .summary("Returns a schedule with its status and its next five ticks.")
            .json::<ScheduleInfo>(200, "The schedule."),
        Route::put("/schedules/{schedule_id}", "putSchedule", put)
            .summary("Creates a schedule, or changes it.")
            .body::<Schedule>()
            .json::<Put>(200, "What has changed."),
        Route::delete("/schedules/{schedule_id}", "deleteSchedule", delete)
            .summary("Deletes a schedule. Its runs stay.")
            .json::<Deleted>(200, "Whether there was one."),
        Route::post("/schedules/{schedule_id}/pause", "pauseSchedule", pause)
            .summary("Pauses a schedule: it starts no runs by itself.")
            .body::<Pause>()
            .json::<Paused>(200, "Whether it was paused."),
        Route::post("/schedules/{schedule_id}/resume", "resumeSchedule", resume)
            .summary("Resumes a schedule from its next tick on.")
            .json::<Resumed>(200, "Whether it was resumed."),
        Route::post("/schedules/{schedule_id}/trigger", "triggerSchedule", trigger)
            .summary("Starts a run of a schedule now.")
            .header("Idempotency-Key")
            .json::<Triggered>(200, "The run."),
        Route::post("/schedules/{schedule_id}/backfill", "backfillSchedule", backfill)
            .summary("Starts a run for each tick between two instants that has none, or shows these ticks.")
            .query::<BackfillQuery>()
            .body::<Backfill>()
            .json::<Backfilled>(200, "The ticks."),
    ]
}

/// The result of creating or changing a schedule.
#[derive(Serialize, JsonSchema)]
struct Put {
    /// What has changed.
    outcome: Outcome,
}

/// What has changed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// The schedule is new.
    Created,
    /// The schedule is another one than before.
    Changed,
    /// The schedule was the same already.
    Unchanged,
}

/// The result of deleting a schedule.
#[derive(Serialize, JsonSchema)]
struct Deleted {
    /// `false` if there was none.
    deleted: bool,
}

/// A pause.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pause {
    /// Why, for people.
    reason: Option<String>,
}

/// The result of a pause.
#[derive(Serialize, JsonSchema)]
struct Paused {
    /// `false` if it was paused already.
    paused: bool,
}

/// The result of resuming a schedule.
#[derive(Serialize, JsonSchema)]
struct Resumed {
    /// `false` if it was not paused.
    resumed: bool,
}

/// The result of triggering a schedule.
#[derive(Serialize, JsonSchema)]
struct Triggered {
    /// The run.
    run_id: RunId,
}

/// How to backfill.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BackfillQuery {
    /// Only returns the ticks.
    preview: Option<bool>,
}

/// The instants of a backfill.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Backfill {
    /// The first instant.
    from: DateTime<Utc>,
    /// The last instant, at most now.
    to: DateTime<Utc>,
}

/// The ticks of a backfill.
#[derive(Serialize, JsonSchema)]
struct Backfilled {
    /// The ticks, in their order; at most 1,000.
    ticks: Vec<BackfilledTick>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<ScheduleInfo>>, Problem> {
    let place = Place::new(&"schedules", query.limit, query.after.as_deref())?;
    let page = place.read(app.engine.schedules().list()).await?;
    Ok(Json(place.view(page, |info| visible(&app, &caller, info))))
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
) -> Result<Json<ScheduleInfo>, Problem> {
    let info = app.engine.schedules().get(params.get("schedule_id")).await?;
    Ok(Json(visible(&app, &caller, info)))
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
    JsonBody(mut schedule): JsonBody<Schedule>,
) -> Result<Json<Put>, Problem> {
    let id = params.get("schedule_id");
    if !schedule.id.is_empty() && schedule.id != id {
        let detail = "`id` is that of the path, or absent";
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", detail).at("/id", detail)
        );
    }
    schedule.id = id.to_owned();
    let outcome = match app.engine.by(caller.actor()).schedules().put(schedule).await? {
        PutScheduleOutput::Created => Outcome::Created,
        PutScheduleOutput::Changed => Outcome::Changed,
        PutScheduleOutput::Unchanged => Outcome::Unchanged,
    };
    Ok(Json(Put { outcome }))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
) -> Result<Json<Deleted>, Problem> {
    let deleted = app.engine.by(caller.actor()).schedules().delete(params.get("schedule_id")).await?;
    Ok(Json(Deleted { deleted }))
}

async fn pause(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
    JsonBody(body): JsonBody<Pause>,
) -> Result<Json<Paused>, Problem> {
    let schedules = app.engine.by(caller.actor()).schedules();
    let paused = schedules.pause(params.get("schedule_id"), body.reason).await?;
    Ok(Json(Paused { paused }))
}

async fn resume(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
) -> Result<Json<Resumed>, Problem> {
    let resumed = app.engine.by(caller.actor()).schedules().resume(params.get("schedule_id")).await?;
    Ok(Json(Resumed { resumed }))
}

async fn trigger(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Json<Triggered>, Problem> {
    let trigger = app.engine.by(caller.actor()).schedules().trigger(params.get("schedule_id"));
    let run = match key {
        Some(key) => trigger.idempotency_key(key).await?,
        None => trigger.await?,
    };
    Ok(Json(Triggered { run_id: run.id() }))
}

async fn backfill(
    State(app): State<App>,
    caller: Caller,
    params: PathParams,
    Query(query): Query<BackfillQuery>,
    JsonBody(body): JsonBody<Backfill>,
) -> Result<Json<Backfilled>, Problem> {
    let schedules = app.engine.by(caller.actor()).schedules();
    let backfill = schedules.backfill(params.get("schedule_id"), body.from, body.to);
    let ticks = if query.preview == Some(true) { backfill.preview().await? } else { backfill.await? };
    Ok(Json(Backfilled { ticks }))
}

/// A schedule without the payloads that its caller may not see.
fn visible(app: &App, caller: &Caller, mut info: ScheduleInfo) -> ScheduleInfo {
    let schedule = &mut info.schedule;
    if caller.sees_payloads() {
        schedule.input = app.redactor.json(&schedule.input);
        schedule.config = schedule.config.take().map(|config| app.redactor.json(&config));
        schedule.metadata = schedule.metadata.take().map(|metadata| app.redactor.json(&metadata));
    } else {
        schedule.input = Payload::null();
        (schedule.config, schedule.metadata) = (None, None);
    }
    info
}
