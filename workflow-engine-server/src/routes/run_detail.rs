//! One run.

use axum::extract::State;
use axum::response::Response;
use http::header::IF_MATCH;
use http::{HeaderMap, StatusCode};
use workflow_engine::AnyRun;

use super::Route;
use crate::app::App;
use crate::payload;
use crate::problem::Problem;
use crate::request::Run;
use crate::view::{ErrorView, RunDetail};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/runs/{run_id}", "showRun", show)
            .summary("Returns a run with its stages, its tags, and why it cannot continue.")
            .header("If-None-Match")
            .json::<RunDetail>(200, "The run."),
    ]
}

async fn show(State(_): State<App>, Run(run): Run, headers: HeaderMap) -> Result<Response, Problem> {
    let text = text(&detail(&run).await?)?;
    Ok(payload::tagged(&headers, text, "application/json"))
}

async fn detail(run: &AnyRun) -> Result<RunDetail, Problem> {
    let record = run.record().await?;
    let stages = run.stages().await?.into_iter().map(Into::into).collect();
    let tags = run.tags().await?;
    let blocked_reason = run.blocked_reason().await?;
    let blocked_reason = blocked_reason
        .map(|reason| ErrorView { code: reason.code().as_str().to_owned(), message: reason.to_string() });
    Ok(RunDetail { run: record.into(), stages, tags, blocked_reason })
}

fn text(detail: &RunDetail) -> Result<String, Problem> {
    serde_json::to_string(detail).map_err(|error| {
        tracing::error!(target: "workflow_engine::server", %error, "a run cannot be written as JSON");
        Problem::internal()
    })
}

/// Checks that the run is as the caller has seen it, where the caller asks for that. The run may change between this and
/// what follows.
///
/// # Errors
/// 412.
pub(super) async fn check_match(headers: &HeaderMap, run: &AnyRun) -> Result<(), Problem> {
    let Some(expected) = headers.get(IF_MATCH) else { return Ok(()) };
    let tag = payload::etag(text(&detail(run).await?)?.as_bytes());
    if payload::matches(expected, &tag) {
        return Ok(());
    }
    let detail = "the run has changed since the version that `If-Match` names; read it again";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "RUN_CHANGED", detail))
}
