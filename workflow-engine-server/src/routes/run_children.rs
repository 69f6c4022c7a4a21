//! The runs that a run has started, and what they cost.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::CostSummary;

use super::Route;
use super::list_runs::listed;
use crate::app::App;
use crate::page::{PageQuery, PageView, Place};
use crate::problem::Problem;
use crate::request::{Query, Run};
use crate::view::ListedRun;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/runs/{run_id}/children", "listChildren", children)
            .summary("Lists the runs that a run has started, newest first.")
            .query::<PageQuery>()
            .json::<PageView<ListedRun>>(200, "A page of runs."),
        Route::get("/runs/{run_id}/costs", "showRunCosts", costs)
            .summary("Returns the costs of a run, alone and with the runs that it has started.")
            .json::<RunCosts>(200, "The costs."),
    ]
}

/// The costs of a run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct RunCosts {
    /// The costs of the run itself, and its budget.
    own: CostSummary,
    /// The costs of the run, of the runs that it has started, and so on; of the first 100,000. The budget is the run's own.
    with_children: CostSummary,
}

async fn children(
    State(app): State<App>,
    Run(run): Run,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageView<ListedRun>>, Problem> {
    let place = Place::new(&("children", run.id()), query.limit, query.after.as_deref())?;
    let mut page = place.read(run.children()).await?;
    let items = listed(&app, std::mem::take(&mut page.items)).await?;
    Ok(Json(place.with_items(page, items)))
}

async fn costs(State(_): State<App>, Run(run): Run) -> Result<Json<RunCosts>, Problem> {
    let own = run.cost_summary().await?;
    let with_children = run.cost_summary_with_children().await?;
    Ok(Json(RunCosts { own, with_children }))
}
