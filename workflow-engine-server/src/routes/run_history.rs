//! The events, log lines, model calls and annotations of a run: a page, or lines.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, TryStreamExt};
use http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::{
    AiCallRecord, AnnotationRecord, ArtifactRecord, AttemptRecord, Event, LogRecord,
};
use workflow_engine::{AnnotationFilter, LogFilter, LogLevel, RunId, StageKey};

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::ndjson;
use crate::page::{PageQuery, PageView, Place};
use crate::problem::Problem;
use crate::request::{Flag, PathParams, Query, Run};
use crate::view::{visible_annotation, visible_call, visible_event, visible_log};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/runs/{run_id}/events", "listEvents", events)
            .summary(
                "Lists the events of a run, oldest first; as lines also those to come, until the run ends.",
            )
            .query::<ListEvents>()
            .json::<PageView<Event>>(200, "A page of events, or one event a line.")
            .lines(),
        Route::get("/runs/{run_id}/logs", "listLogs", logs)
            .payloads()
            .summary("Lists the log lines of a run; as lines also those to come, until the run ends.")
            .query::<ListLogs>()
            .json::<PageView<LogRecord>>(200, "A page of log lines, or one a line.")
            .lines(),
        Route::get("/runs/{run_id}/calls", "listCalls", calls)
            .summary("Lists the calls of models of a run, oldest first.")
            .query::<PageQuery>()
            .json::<PageView<AiCallRecord>>(200, "A page of calls, or one call a line.")
            .lines(),
        Route::get("/runs/{run_id}/annotations", "listAnnotations", annotations)
            .payloads()
            .summary("Lists the annotations of a run, oldest first.")
            .query::<ListAnnotations>()
            .json::<PageView<AnnotationRecord>>(200, "A page of annotations, or one a line.")
            .lines(),
        Route::get("/runs/{run_id}/artifacts", "listArtifacts", artifacts)
            .summary("Lists the artifacts of a run by stage and key, without their values.")
            .query::<PageQuery>()
            .json::<PageView<ArtifactView>>(200, "A page of artifacts."),
        Route::get("/runs/{run_id}/stages/{stage_id}/attempts", "listAttempts", attempts)
            .summary("Lists the attempts of a stage in all generations, oldest first.")
            .json::<PageView<AttemptRecord>>(200, "The attempts."),
    ]
}

/// Which events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListEvents {
    /// The most items of a page, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Answers with lines, and with each new event until the run ends.
    #[serde(default)]
    follow: Flag,
    /// Of lines: the sequence number after which they begin.
    after_sequence: Option<u64>,
}

async fn events(
    State(app): State<App>,
    caller: Caller,
    Run(run): Run,
    Query(query): Query<ListEvents>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = Place::new(&("events", run.id()), query.limit, query.after.as_deref())?;
    let last = query.after_sequence.unwrap_or(0);
    if query.follow.0 || ndjson::is_wanted(&headers) {
        let stream = if query.follow.0 {
            run.events_after(last).boxed()
        } else {
            let later = move |event: &Event| std::future::ready(event.sequence > last);
            run.event_history().stream().try_filter(later).boxed()
        };
        let view_app = app.clone();
        return ndjson::lines(&app, stream.map_ok(move |event| visible_event(&view_app, &caller, event)));
    }
    let page = place.read(run.event_history()).await?;
    Ok(Json(place.view(page, |event| visible_event(&app, &caller, event))).into_response())
}

/// Which log lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListLogs {
    /// The stage that wrote the line.
    stage: Option<String>,
    /// The stage's attempt.
    attempt: Option<u32>,
    /// Only lines about the run as a whole, which have no stage.
    #[serde(default)]
    run_only: Flag,
    /// The least severity.
    level: Option<LogLevel>,
    /// Begins with the newest line.
    #[serde(default)]
    newest_first: Flag,
    /// The most items of a page, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next` of the previous page.
    after: Option<String>,
    /// Answers with lines, and with each new one until the run ends, oldest first.
    #[serde(default)]
    follow: Flag,
    /// Of lines: the id of the log line after which they begin.
    after_id: Option<u64>,
}

async fn logs(
    State(app): State<App>,
    Run(run): Run,
    Query(query): Query<ListLogs>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut filter = LogFilter::new();
    filter.stage_key = query.stage.map(StageKey::from);
    filter.attempt = query.attempt;
    filter.run_only = query.run_only.0;
    filter.level = query.level;
    filter.newest_first = query.newest_first.0;
    let place = Place::new(&("logs", run.id(), &filter), query.limit, query.after.as_deref())?;
    if query.follow.0 || ndjson::is_wanted(&headers) {
        let last = query.after_id.unwrap_or(0);
        let stream = if query.follow.0 {
            let matching = filter.clone();
            run.logs_after(last).try_filter(move |line| std::future::ready(matching.admits(line))).boxed()
        } else {
            let later = move |line: &LogRecord| std::future::ready(line.id > last);
            run.log_history(&filter).stream().try_filter(later).boxed()
        };
        let view_app = app.clone();
        return ndjson::lines(&app, stream.map_ok(move |line| visible_log(&view_app, line)));
    }
    let page = place.read(run.log_history(&filter)).await?;
    Ok(Json(place.view(page, |line| visible_log(&app, line))).into_response())
}

async fn calls(
    State(app): State<App>,
    caller: Caller,
    Run(run): Run,
    Query(query): Query<PageQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = Place::new(&("calls", run.id()), query.limit, query.after.as_deref())?;
    if ndjson::is_wanted(&headers) {
        let view_app = app.clone();
        let calls = run.ai_calls().stream().map_ok(move |call| visible_call(&view_app, &caller, call));
        return ndjson::lines(&app, calls);
    }
    let page = place.read(run.ai_calls()).await?;
    Ok(Json(place.view(page, |call| visible_call(&app, &caller, call))).into_response())
}

/// Which annotations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListAnnotations {
    /// The key.
    key: Option<String>,
    /// The key, or the leading segments of it.
    prefix: Option<String>,
    /// The stage that the annotation is about.
    stage: Option<String>,
    /// The author.
    actor: Option<String>,
    /// The scope.
    scope: Option<String>,
    /// The most items, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next` of the previous page.
    after: Option<String>,
}

async fn annotations(
    State(app): State<App>,
    Run(run): Run,
    Query(query): Query<ListAnnotations>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = ("annotations", run.id(), &query.key, &query.prefix, &query.stage, &query.actor, &query.scope);
    let place = Place::new(&name, query.limit, query.after.as_deref())?;
    let mut filter = AnnotationFilter::new();
    filter.key = query.key;
    filter.prefix = query.prefix;
    filter.stage_key = query.stage.map(StageKey::from);
    filter.actor = query.actor;
    filter.scope = query.scope;
    if ndjson::is_wanted(&headers) {
        let view_app = app.clone();
        let annotations = run.annotations(&filter).stream();
        return ndjson::lines(&app, annotations.map_ok(move |note| visible_annotation(&view_app, note)));
    }
    let page = place.read(run.annotations(&filter)).await?;
    Ok(Json(place.view(page, |annotation| visible_annotation(&app, annotation))).into_response())
}

/// An artifact, without its value.
#[derive(Serialize, JsonSchema)]
struct ArtifactView {
    /// The run.
    run_id: RunId,
    /// The stage.
    stage_id: String,
    /// The place of the stage in its run; absent outside of repeated parts.
    #[serde(skip_serializing_if = "workflow_engine::Place::is_empty")]
    place: workflow_engine::Place,
    /// The key, unique within the stage.
    key: String,
    /// The generation in which it was written.
    generation: u32,
    /// The instant of the commit.
    at: chrono::DateTime<chrono::Utc>,
}

impl From<ArtifactRecord> for ArtifactView {
    fn from(artifact: ArtifactRecord) -> Self {
        let ArtifactRecord { run_id, stage_id, place, key, generation, at, .. } = artifact;
        Self { run_id, stage_id, place, key, generation, at }
    }
}

async fn artifacts(
    State(_): State<App>,
    Run(run): Run,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<ArtifactView>>, Problem> {
    let place = Place::new(&("artifacts", run.id()), query.limit, query.after.as_deref())?;
    let page = place.read(run.artifacts()).await?;
    Ok(Json(place.view(page, ArtifactView::from)))
}

async fn attempts(
    State(_): State<App>,
    Run(run): Run,
    params: PathParams,
) -> Result<Json<PageView<AttemptRecord>>, Problem> {
    Ok(Json(PageView::whole(run.attempts(params.get("stage_id")).await?)))
}
