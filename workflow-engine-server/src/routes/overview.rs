//! The queue, the workers and the actions of all processes.

use axum::Json;
use axum::extract::State;
use workflow_engine::WorkerStatus;
use workflow_engine::records::{ActionRecord, QueueOverview, StageTimes, Timeline};

use super::Route;
use crate::app::App;
use crate::page::{PageQuery, PageView, Place};
use crate::problem::Problem;
use crate::request::{PathParams, Query, Run};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/queue", "queue", queue)
            .summary("Tells what the queue holds, by workflow.")
            .json::<QueueOverview>(200, "The queue."),
        Route::get("/workers", "listWorkers", workers)
            .summary("Lists the workers of all processes, newest first.")
            .query::<PageQuery>()
            .json::<PageView<WorkerStatus>>(200, "A page of workers."),
        Route::get("/actions", "listActions", actions)
            .payloads()
            .summary("Lists the actions of all runs from outside, newest first.")
            .query::<PageQuery>()
            .json::<PageView<ActionRecord>>(200, "A page of actions."),
        Route::get("/runs/{run_id}/timeline", "timeline", timeline)
            .summary("Returns the attempts, waits and generations of a run.")
            .json::<Timeline>(200, "The timeline."),
        Route::get("/workflows/{workflow_id}/statistics", "workflowStatistics", statistics)
            .summary("Tells how long the stages of a workflow take and how often they fail, in its newest 1,000 runs.")
            .json::<StageTimes>(200, "The statistics."),
    ]
}

async fn queue(State(app): State<App>) -> Result<Json<QueueOverview>, Problem> {
    Ok(Json(app.engine.queue().await?))
}

async fn workers(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<WorkerStatus>>, Problem> {
    let place = Place::new(&"workers", query.limit, query.after.as_deref())?;
    let page = place.read(app.engine.workers()).await?;
    Ok(Json(place.view(page, |worker| worker)))
}

async fn actions(
    State(app): State<App>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<ActionRecord>>, Problem> {
    let place = Place::new(&"actions", query.limit, query.after.as_deref())?;
    let page = place.read(app.engine.actions()).await?;
    Ok(Json(place.view(page, |mut action| {
        action.details = app.redactor.json(&action.details);
        action
    })))
}

async fn timeline(State(_): State<App>, Run(run): Run) -> Result<Json<Timeline>, Problem> {
    Ok(Json(run.timeline().await?))
}

async fn statistics(State(app): State<App>, params: PathParams) -> Result<Json<StageTimes>, Problem> {
    Ok(Json(app.engine.stage_times(params.get("workflow_id")).await?))
}
