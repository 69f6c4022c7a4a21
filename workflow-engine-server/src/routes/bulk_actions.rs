//! Actions on many runs.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::{RunCount, RunFilter, RunId};

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::bulk::{BulkAction, Ticket, perform};
use crate::ndjson;
use crate::problem::Problem;
use crate::request::{JsonBody, PathParams};
use crate::view::RunView;

/// The most runs that are counted.
const CAP: u64 = 10_000;
/// The runs that a preview shows.
const SAMPLES: usize = 20;
/// The most runs by id.
const MAX_IDS: usize = 200;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/runs/bulk", "previewBulk", preview)
            .summary("Tells which runs an action would concern, and returns a token that performs it.")
            .body::<Bulk>()
            .json::<Preview>(200, "The preview. Nothing has happened."),
        Route::post("/runs/bulk/{token}", "performBulk", act)
            .summary("Performs a previewed action on up to 500 runs, and tells what it did to each.")
            .answer(
                200,
                "A line for each run, and at the end the token for the rest.",
                vec![(ndjson::MEDIA_TYPE, None)],
            ),
    ]
}

/// An action on many runs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bulk {
    /// What happens to each run.
    action: BulkAction,
    /// The runs.
    #[serde(default)]
    filter: Option<RunFilter>,
    /// The runs by id instead, at most 200.
    #[serde(default)]
    #[schemars(length(max = 200))]
    ids: Option<Vec<RunId>>,
    /// The reason, which cancelled runs keep.
    #[serde(default)]
    reason: Option<String>,
}

/// What an action would concern.
#[derive(Serialize, JsonSchema)]
struct Preview {
    /// The number of runs, at most 10,000.
    count: RunCount,
    /// The newest of them, at most 20.
    samples: Vec<RunView>,
    /// Post it to `/runs/bulk/{token}`: it concerns these runs as they are now, and no others.
    token: String,
    /// The instant at which the token expires.
    expires_at: DateTime<Utc>,
}

async fn preview(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<Bulk>,
) -> Result<Json<Preview>, Problem> {
    let reason = body.reason.unwrap_or_else(|| format!("cancelled by {}", caller.name));
    let preview = match (body.filter, body.ids) {
        (Some(filter), None) => of_filter(&app, &caller, body.action, filter, reason).await?,
        (None, Some(ids)) => of_ids(&app, &caller, body.action, ids, reason).await?,
        _ => {
            let detail = "name the runs either by `filter` or by `ids`";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", detail));
        }
    };
    Ok(Json(preview))
}

async fn of_filter(
    app: &App,
    caller: &Caller,
    action: BulkAction,
    filter: RunFilter,
    reason: String,
) -> Result<Preview, Problem> {
    let mut filter = action.complete(filter);
    let newest = app.engine.runs(&filter).limit(1).await?;
    // The clock of the database may be ahead of this one.
    let now = app.now();
    let at = newest.first().map_or(now, |run| now.max(run.created_at));
    let end = at + TimeDelta::microseconds(1);
    filter.created_before = Some(filter.created_before.map_or(end, |before| before.min(end)));
    let samples = app.engine.runs(&filter).limit(SAMPLES).await?;
    let count = app.engine.count_runs(&filter, CAP).await?;
    let mut ticket = Ticket::new(app, caller, action, filter, reason, at);
    ticket.newest = samples.first().map(|run| run.id);
    let (token, expires_at) = (ticket.sign(app), ticket.until());
    Ok(Preview { count, samples: samples.into_iter().map(RunView::from).collect(), token, expires_at })
}

async fn of_ids(
    app: &App,
    caller: &Caller,
    action: BulkAction,
    mut ids: Vec<RunId>,
    reason: String,
) -> Result<Preview, Problem> {
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MAX_IDS {
        let detail = format!("`ids` has 1 to {MAX_IDS} runs, and not {}", ids.len());
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", &detail);
        return Err(problem.at("/ids", detail));
    }
    let mut runs = Vec::new();
    for id in &ids {
        runs.extend(app.engine.kernel().store().run(*id).await?);
    }
    let at = runs.iter().map(|run| run.created_at).fold(app.now(), std::cmp::Ord::max);
    let mut ticket = Ticket::new(app, caller, action, RunFilter::new(), reason, at);
    ticket.ids = Some(runs.iter().map(|run| run.id).collect());
    let count = RunCount::new(runs.len() as u64, true);
    let samples = runs.into_iter().rev().take(SAMPLES).map(RunView::from).collect();
    Ok(Preview { count, samples, token: ticket.sign(app), expires_at: ticket.until() })
}

async fn act(State(app): State<App>, caller: Caller, params: PathParams) -> Result<Response, Problem> {
    let invalid = || Problem::not_found("the token is not one of a preview, or has expired: preview again");
    let ticket = Ticket::read(&app, params.get("token")).ok_or_else(invalid)?;
    if ticket.by != caller.name {
        let detail = "another caller has previewed this action";
        return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail));
    }
    ndjson::lines(&app, perform(&app, caller, ticket))
}
