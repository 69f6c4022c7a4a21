//! Lists and counts of runs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::{Phase, RunRecord, WaitingFor};
use workflow_engine::{RunCount, RunFilter, RunId, Status};

use super::Route;
use crate::app::App;
use crate::page::{PageView, Place};
use crate::problem::Problem;
use crate::request::Query;
use crate::view::ListedRun;

/// The most runs that are counted.
const CAP: u64 = 10_000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/runs", "listRuns", list)
            .summary("Lists the runs that match, newest first.")
            .query::<ListRuns>()
            .json::<PageView<ListedRun>>(200, "A page of runs with their tags."),
        Route::get("/runs/most-expensive", "mostExpensiveRuns", most_expensive)
            .summary("Lists the runs whose calls of models have cost the most, the most expensive first.")
            .query::<MostExpensive>()
            .json::<PageView<ListedRun>>(
                200,
                "The runs; `searched_to` says how far back the search came, if not to the beginning.",
            ),
        Route::get("/runs/count", "countRuns", count)
            .summary("Counts the runs that match, at most 10,000.")
            .query::<CountRuns>()
            .json::<RunCount>(200, "The number of runs."),
    ]
}

/// Which runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CountRuns {
    /// The statuses, any of them.
    #[serde(default)]
    status: Vec<Status>,
    /// What the run does now.
    phase: Option<Phase>,
    /// What one of its stages waits for.
    waiting_for: Option<WaitingFor>,
    /// The id of the workflow.
    workflow: Option<String>,
    /// Tags, each as `key:value`; a run needs all of them.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[^:]*:")))]
    tag: Vec<String>,
    /// The earliest instant of creation.
    created_after: Option<DateTime<Utc>>,
    /// The instant before which the run was created.
    created_before: Option<DateTime<Utc>>,
    /// The fingerprint of the definition.
    definition: Option<String>,
    /// The code of the error with which the run failed.
    error: Option<String>,
    /// The code of the reason why the run cannot continue: `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH` or
    /// `BUDGET_EXCEEDED`.
    blocked_reason: Option<String>,
    /// The idempotency key with which the run was started.
    key: Option<String>,
    /// The run that has started it.
    parent: Option<RunId>,
    /// The beginning of the run's id: hexadecimal digits, with or without hyphens.
    #[schemars(regex(pattern = "^(?:-*[0-9a-fA-F]){1,32}-*$"))]
    id: Option<String>,
}

/// Which runs, and which part of the list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListRuns {
    /// The statuses, any of them.
    #[serde(default)]
    status: Vec<Status>,
    /// What the run does now.
    phase: Option<Phase>,
    /// What one of its stages waits for.
    waiting_for: Option<WaitingFor>,
    /// The id of the workflow.
    workflow: Option<String>,
    /// Tags, each as `key:value`; a run needs all of them.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[^:]*:")))]
    tag: Vec<String>,
    /// The earliest instant of creation.
    created_after: Option<DateTime<Utc>>,
    /// The instant before which the run was created.
    created_before: Option<DateTime<Utc>>,
    /// The fingerprint of the definition.
    definition: Option<String>,
    /// The code of the error with which the run failed.
    error: Option<String>,
    /// The code of the reason why the run cannot continue: `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH` or
    /// `BUDGET_EXCEEDED`.
    blocked_reason: Option<String>,
    /// The idempotency key with which the run was started.
    key: Option<String>,
    /// The run that has started it.
    parent: Option<RunId>,
    /// The beginning of the run's id: hexadecimal digits, with or without hyphens.
    #[schemars(regex(pattern = "^(?:-*[0-9a-fA-F]){1,32}-*$"))]
    id: Option<String>,
    /// The most items, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next` of the previous page.
    after: Option<String>,
}

impl From<ListRuns> for CountRuns {
    fn from(list: ListRuns) -> Self {
        let ListRuns { status, phase, waiting_for, workflow, tag, created_after, created_before, .. } = list;
        let ListRuns { definition, error, blocked_reason, key, parent, id, .. } = list;
        Self {
            status,
            phase,
            waiting_for,
            workflow,
            tag,
            created_after,
            created_before,
            definition,
            error,
            blocked_reason,
            key,
            parent,
            id,
        }
    }
}

impl CountRuns {
    fn filter(self) -> Result<RunFilter, Problem> {
        let mut filter = RunFilter::new().statuses(self.status);
        filter.phase = self.phase;
        filter.waiting_for = self.waiting_for;
        filter.workflow_id = self.workflow;
        filter.tags = self.tag.iter().map(|tag| split_tag(tag)).collect::<Result<BTreeMap<_, _>, _>>()?;
        filter.created_since = self.created_after;
        filter.created_before = self.created_before;
        filter.definition = self.definition;
        filter.error_code = self.error;
        filter.blocked_reason = self.blocked_reason;
        filter.idempotency_key = self.key;
        filter.parent = self.parent;
        filter.id_prefix = self.id;
        Ok(filter)
    }
}

fn split_tag(tag: &str) -> Result<(String, String), Problem> {
    let (key, value) =
        tag.split_once(':').ok_or_else(|| Problem::malformed("a tag has the form `key:value`"))?;
    Ok((key.to_owned(), value.to_owned()))
}

async fn list(
    State(app): State<App>,
    Query(query): Query<ListRuns>,
) -> Result<Json<PageView<ListedRun>>, Problem> {
    let (limit, after) = (query.limit, query.after.clone());
    let filter = CountRuns::from(query).filter()?;
    let place = Place::new(&ListName { list: "runs", filter: &filter }, limit, after.as_deref())?;
    let mut page = place.read(app.engine.runs(&filter)).await?;
    let items = listed(&app, std::mem::take(&mut page.items)).await?;
    Ok(Json(place.with_items(page, items)))
}

/// Which runs are candidates, and how many are returned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MostExpensive {
    /// The earliest instant of creation.
    created_after: Option<DateTime<Utc>>,
    /// The most items, 1 to 200. Default 20.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
}

async fn most_expensive(
    State(app): State<App>,
    Query(query): Query<MostExpensive>,
) -> Result<Json<PageView<ListedRun>>, Problem> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=200).contains(&limit) {
        return Err(Problem::malformed(format!("`limit` is 1 to 200, and not {limit}")));
    }
    let found = app.engine.most_expensive_runs(query.created_after, limit.into()).await?;
    let items = listed(&app, found.items).await?;
    Ok(Json(PageView { items, next: None, searched_to: found.searched_to }))
}

/// Adds tags and progress.
pub(super) async fn listed(app: &App, runs: Vec<RunRecord>) -> Result<Vec<ListedRun>, Problem> {
    let store = app.engine.kernel().store();
    let progress = app.engine.progress(&runs).await?;
    let listed = runs.into_iter().zip(progress).map(|(run, progress)| async move {
        let tags = store.tags(run.id).await?;
        Ok::<_, Problem>(ListedRun { run: run.into(), tags, progress })
    });
    futures_util::future::try_join_all(listed).await
}

async fn count(State(app): State<App>, Query(query): Query<CountRuns>) -> Result<Json<RunCount>, Problem> {
    Ok(Json(app.engine.count_runs(&query.filter()?, CAP).await?))
}

/// What identifies a list of runs.
#[derive(Serialize)]
struct ListName<'a> {
    list: &'static str,
    filter: &'a RunFilter,
}
