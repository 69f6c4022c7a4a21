//! Dead letters.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::DeadLetter;
use workflow_engine::{DeadLetterFilter, RunId};

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::page::{PageView, Place};
use crate::problem::Problem;
use crate::request::{JsonBody, Query};
use crate::view::visible_dead_letter;

/// The most letters of one request.
const MAX_REPLAYED: u16 = 1_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/dead-letters", "listDeadLetters", list)
            .summary("Lists the events that a plugin refused until its retries were used up, by plugin, oldest first.")
            .query::<ListDeadLetters>()
            .json::<PageView<DeadLetter>>(200, "A page of dead letters."),
        Route::post("/dead-letters/replay", "replayDeadLetters", replay)
            .summary("Delivers dead letters again: all, or those of a plugin, a run or an event; the oldest of each plugin first.")
            .body::<Replay>()
            .json::<Replayed>(200, "The number of letters."),
    ]
}

/// Which dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListDeadLetters {
    /// The plugin.
    plugin: Option<String>,
    /// The most items, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next` of the previous page.
    after: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListDeadLetters>,
) -> Result<Json<PageView<DeadLetter>>, Problem> {
    let place = Place::new(&("dead-letters", &query.plugin), query.limit, query.after.as_deref())?;
    let page = place.read(app.engine.dead_letters(query.plugin.as_deref())).await?;
    Ok(Json(place.view(page, |letter| visible_dead_letter(&app, &caller, letter))))
}

/// A replay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Replay {
    /// The plugin; absent for all.
    plugin: Option<String>,
    /// The run of the event; absent for all.
    run_id: Option<RunId>,
    /// The sequence number of the event in its run; absent for all. It needs `run_id`.
    sequence: Option<u64>,
    /// The most letters, 1 to 1,000. Default 100.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u16>,
}

/// The result of a replay.
#[derive(Serialize, JsonSchema)]
struct Replayed {
    /// The number of letters.
    replayed: usize,
}

async fn replay(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<Replay>,
) -> Result<Json<Replayed>, Problem> {
    let limit = body.limit.unwrap_or(100);
    if !(1..=MAX_REPLAYED).contains(&limit) {
        let detail = format!("`limit` is 1 to {MAX_REPLAYED}, and not {limit}");
        let problem = Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", &detail);
        return Err(problem.at("/limit", detail));
    }
    if body.sequence.is_some() && body.run_id.is_none() {
        let detail = "`sequence` needs `run_id`: each run numbers its own events";
        let problem = Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST", detail);
        return Err(problem.at("/sequence", detail));
    }
    let mut letters = DeadLetterFilter::new();
    (letters.plugin, letters.run_id, letters.sequence) = (body.plugin, body.run_id, body.sequence);
    let replayed = app.engine.by(caller.actor()).replay_dead_letters(&letters, limit.into()).await?;
    Ok(Json(Replayed { replayed }))
}
