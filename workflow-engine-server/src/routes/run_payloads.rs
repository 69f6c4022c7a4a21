//! The payloads of a run.

#![allow(clippy::disallowed_methods, reason = "it bounds how long a request waits, in real time")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use workflow_engine::{AnyRun, Json, StageKey, Status};

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::payload::{ShowPayload, payload};
use crate::problem::Problem;
use crate::request::{Flag, PathParams, Query, Run};

pub(super) fn routes() -> Vec<Route> {
    let payload = |route: Route, summary| {
        route.payloads().summary(summary).query::<ShowPayload>().header("If-None-Match").answer(
            200,
            "The payload, as it is stored.",
            contents(),
        )
    };
    vec![
        payload(Route::get("/runs/{run_id}/input", "runInput", input), "Returns the input of a run."),
        payload(
            Route::get("/runs/{run_id}/config", "runConfig", config),
            "Returns the configuration of a run: an object from stage ids to their fields.",
        ),
        payload(
            Route::get("/runs/{run_id}/metadata", "runMetadata", metadata),
            "Returns the data that the caller gave to the start; `null` if there are none.",
        ),
        Route::get("/runs/{run_id}/output", "runOutput", output)
            .payloads()
            .summary("Returns the output of a run; waits for it if asked to.")
            .query::<ShowOutput>()
            .header("If-None-Match")
            .answer(200, "The output, as it is stored.", contents()),
        payload(
            Route::get("/runs/{run_id}/stages/{stage_id}/output", "stageOutput", stage_output),
            "Returns the output of a stage.",
        ),
        payload(
            Route::get("/runs/{run_id}/stages/{stage_id}/ticket", "stageTicket", stage_ticket),
            "Returns the ticket of a stage: its reference to the work of a remote service.",
        ),
        payload(
            Route::get("/runs/{run_id}/stages/{stage_id}/config", "stageConfig", stage_config),
            "Returns the configuration of a stage.",
        ),
        payload(
            Route::get("/runs/{run_id}/artifacts/{stage_id}/{key}", "artifact", artifact),
            "Returns an artifact of a stage.",
        ),
    ]
}

/// A payload, or the beginning of one.
fn contents() -> Vec<(&'static str, Option<super::SchemaOf>)> {
    vec![("application/json", None), ("text/plain", None)]
}

/// How the output is shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShowOutput {
    /// How long to wait for the run to end, in seconds: `30s`, at most the time that the server allows for a request.
    #[schemars(regex(pattern = "^[0-9]{1,3}s?$"))]
    wait: Option<String>,
    /// The most bytes to return: the text is cut there. The header `X-Total-Bytes` tells the size of the whole.
    #[schemars(range(min = 1, max = 4_294_967_295_u64))]
    preview: Option<NonZeroU32>,
    /// Whether to show the values of hidden fields. It needs the grant `operate`, and is an action of the audit log.
    #[serde(default)]
    reveal: Flag,
}

/// A request for a payload of a run.
struct Reader {
    app: App,
    caller: Caller,
    run: AnyRun,
    show: ShowPayload,
    headers: HeaderMap,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let Run(run) = Run::from_request_parts(parts, app).await?;
        let Query(show) = Query::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), caller, run, show, headers: parts.headers.clone() })
    }
}

impl Reader {
    /// Answers with a payload; `what` is a part of the name of its file.
    fn answer(&self, json: &Json, what: &str) -> Result<Response, Problem> {
        let name = format!("{}-{what}", self.run.id());
        payload(&self.app, &self.caller, &self.headers, &self.show, json, &name)
    }
}

async fn input(reader: Reader) -> Result<Response, Problem> {
    reader.answer(&reader.run.input().await?, "input")
}

async fn config(reader: Reader) -> Result<Response, Problem> {
    reader.answer(&reader.run.config().await?, "config")
}

async fn metadata(reader: Reader) -> Result<Response, Problem> {
    let metadata = reader.run.metadata().await?.unwrap_or_else(Json::null);
    reader.answer(&metadata, "metadata")
}

async fn output(
    State(app): State<App>,
    caller: Caller,
    Run(run): Run,
    Query(query): Query<ShowOutput>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let output = match query.wait.as_deref().map(seconds).transpose()? {
        Some(wait) => {
            // The answer itself needs time too.
            let longest = app.settings.request_timeout.saturating_sub(Duration::from_secs(1));
            let waited = tokio::time::timeout(wait.min(longest), run.output()).await;
            waited.map_err(|_| not_ended())??
        }
        None => ended_output(&run).await?,
    };
    let show = ShowPayload { preview: query.preview, reveal: query.reveal };
    payload(&app, &caller, &headers, &show, &output, &format!("{}-output", run.id()))
}

async fn ended_output(run: &AnyRun) -> Result<Json, Problem> {
    if !run.status().await?.is_terminal() {
        return Err(not_ended());
    }
    Ok(run.output().await?)
}

fn not_ended() -> Problem {
    let detail = "the run has not ended; wait for its output with `?wait=30s`";
    Problem::new(StatusCode::CONFLICT, "RUN_NOT_TERMINAL", detail).retryable()
}

fn seconds(text: &str) -> Result<Duration, Problem> {
    let seconds = text.strip_suffix('s').unwrap_or(text).parse::<u16>();
    let seconds = seconds.map_err(|_| Problem::malformed("`wait` is a number of seconds, such as `30s`"))?;
    Ok(Duration::from_secs(seconds.into()))
}

async fn stage_output(reader: Reader, params: PathParams) -> Result<Response, Problem> {
    let stage_id = params.get("stage_id");
    let output = reader.run.stage_output(stage_id).await?;
    let output = output.ok_or_else(|| absent("the stage has no output, or there is no such stage"))?;
    reader.answer(&output, &format!("{stage_id}-output"))
}

async fn stage_ticket(reader: Reader, params: PathParams) -> Result<Response, Problem> {
    let stage_id = params.get("stage_id");
    let stages = reader.run.stages().await?;
    let stage = stages.into_iter().find(|stage| stage.key() == *stage_id);
    let ticket =
        stage.filter(|stage| stage.status != Status::Pending).and_then(|stage| stage.suspended_state);
    let ticket = ticket.ok_or_else(|| absent("the stage has no ticket, or there is no such stage"))?;
    let ticket = reader.run.resolve(ticket).await?;
    reader.answer(&ticket, &format!("{stage_id}-ticket"))
}

async fn stage_config(reader: Reader, params: PathParams) -> Result<Response, Problem> {
    let stage_id = params.get("stage_id");
    let config = reader.run.config().await?;
    let mut stages: BTreeMap<String, Json> =
        config.decode().map_err(|error| unreadable(&reader.run, &error))?;
    let config =
        stages.remove(&StageKey::from(stage_id).id).ok_or_else(|| absent("there is no such stage"))?;
    reader.answer(&config, &format!("{stage_id}-config"))
}

async fn artifact(reader: Reader, params: PathParams) -> Result<Response, Problem> {
    let (stage_id, key) = (params.get("stage_id"), params.get("key"));
    let artifact: Option<Json> = reader.run.artifact(stage_id, key).await?;
    let artifact = artifact.ok_or_else(|| absent("the stage has no artifact under this key"))?;
    reader.answer(&artifact, &format!("{stage_id}-{key}"))
}

fn absent(detail: &str) -> Problem {
    Problem::not_found(detail)
}

fn unreadable(run: &AnyRun, error: &serde_json::Error) -> Problem {
    tracing::error!(target: "workflow_engine::server", run = %run.id(), %error, "the configuration of a run is not an object");
    Problem::internal()
}
