//! Live streams.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use workflow_engine::RunId;

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::live::{self, ListStream, Position, RunStream, Topics};
use crate::problem::Problem;
use crate::request::Query;

/// The most runs of a list.
const MAX_RUNS: usize = 200;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/live", "live", live)
            .summary("Streams the events and log lines of a run, or the states of the runs of a list.")
            .query::<Live>()
            .header("Last-Event-ID")
            .answer(
                200,
                "Server-sent events: `event`, `log`; of a list `run`, `gone`.",
                vec![(live::MEDIA_TYPE, None)],
            ),
    ]
}

/// What to stream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Live {
    /// The run.
    run: Option<String>,
    /// The runs of a list instead: at most 200 ids with commas between them.
    runs: Option<String>,
    /// Of a run: `events`, `logs` or both with a comma. Default what the caller may see.
    topics: Option<String>,
    /// Of a run: where to begin, as the id of a message. Default its first event. The header `Last-Event-ID`, which a
    /// browser sends when it reconnects, precedes it.
    after: Option<String>,
}

async fn live(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<Live>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match (&query.run, &query.runs) {
        (Some(run), None) => {
            let topics = topics(&caller, query.topics.as_deref())?;
            let position = position(&headers, query.after.as_deref())?;
            let run = app.engine.any_run(run.parse()?).await?;
            let place = app.stream_place()?;
            let stream = RunStream::new(&app, caller, run, topics, position, place).await?;
            Ok(live::respond(&app, stream))
        }
        (None, Some(runs)) => {
            let runs = run_ids(runs)?;
            let place = app.stream_place()?;
            Ok(live::respond(&app, ListStream::new(&app, runs, place)))
        }
        _ => Err(Problem::malformed("name either `run` or `runs`")),
    }
}

fn run_ids(text: &str) -> Result<Vec<RunId>, Problem> {
    let mut ids = text.split(',').map(str::parse).collect::<Result<Vec<RunId>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MAX_RUNS {
        return Err(Problem::malformed(format!("a list has at most {MAX_RUNS} runs, not {}", ids.len())));
    }
    Ok(ids)
}

fn topics(caller: &Caller, text: Option<&str>) -> Result<Topics, Problem> {
    let Some(text) = text else { return Ok(Topics { events: true, logs: caller.sees_payloads() }) };
    let mut topics = Topics { events: false, logs: false };
    for topic in text.split(',') {
        match topic {
            "events" => topics.events = true,
            "logs" => topics.logs = true,
            other => {
                let detail = format!("{other:?} is not a topic: expected `events` or `logs`");
                return Err(Problem::malformed(detail));
            }
        }
    }
    if topics.logs && !caller.sees_payloads() {
        let detail = "log lines need the grant `read+payloads`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail));
    }
    Ok(topics)
}

fn position(headers: &HeaderMap, after: Option<&str>) -> Result<Position, Problem> {
    let last = headers.get("last-event-id").map(|id| id.to_str().unwrap_or_default());
    let Some(text) = last.or(after) else { return Ok(Position::default()) };
    text.parse().map_err(|()| Problem::malformed("the position of a stream has the form `e5.l17`"))
}
