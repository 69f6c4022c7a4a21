//! What the commands ask of the API.

mod events;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use workflow_engine::{Cost, Json, RunFilter, RunId};
use workflow_engine_server::PageView;
use workflow_engine_server::view::{RunDetail, RunView, StageView, WorkflowView};

use crate::client::{Call, Client, segment};
use crate::failure::{Exit, Failure};

pub use events::Events;

/// The most items of a page.
pub const PAGE: usize = 200;

/// The API of a store or of a server.
#[derive(Clone)]
pub struct Api {
    client: Client,
}

/// What a rerun covers.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Rerun {
    /// The generation.
    pub generation: u32,
    /// The stages.
    pub stages: Vec<String>,
}

/// An annotation to attach.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Annotate {
    /// The attributes.
    pub attributes: std::collections::BTreeMap<String, Json>,
    /// The stage that they are about.
    pub stage: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// Further data.
    pub payload: Option<Json>,
}

impl Api {
    /// Asks this client.
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// Returns an answer as it is.
    ///
    /// # Errors
    /// Every error of the API, here and below.
    pub async fn get(&self, call: Call) -> Result<Json, Failure> {
        Ok(Json::parse(&self.client.text(call).await?)?)
    }

    /// Sends a request that changes something.
    pub async fn post(&self, call: Call) -> Result<Json, Failure> {
        self.get(call).await
    }

    /// Returns one page of a list, with its items as they are.
    pub async fn page(
        &self,
        call: Call,
        after: Option<&str>,
        limit: usize,
    ) -> Result<PageView<Json>, Failure> {
        self.client.json(call.query("limit", limit.clamp(1, PAGE)).maybe("after", after)).await
    }

    /// Returns all items of a list.
    pub async fn all(&self, call: Call) -> Result<Vec<Json>, Failure> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.page(call.clone(), after.as_deref(), PAGE).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// Returns a run with its stages, its tags and the reason why it stands still: as it is, and read.
    pub async fn details(&self, run_id: RunId) -> Result<(Json, RunDetail), Failure> {
        let json = self.get(Call::get(format!("/runs/{run_id}"))).await?;
        let detail = json.decode()?;
        Ok((json, detail))
    }

    /// Returns a run.
    pub async fn run(&self, run_id: RunId) -> Result<RunView, Failure> {
        Ok(self.details(run_id).await?.1.run)
    }

    /// Returns a run's stages.
    pub async fn stages(&self, run_id: RunId) -> Result<Vec<StageView>, Failure> {
        Ok(self.details(run_id).await?.1.stages)
    }

    /// Returns a payload of a run, as it is stored: `input`, `output`, `stages/price/output`.
    pub async fn payload(&self, run_id: RunId, place: &str) -> Result<Json, Failure> {
        self.get(Call::get(format!("/runs/{run_id}/{place}"))).await
    }

    /// Returns the output of a stage; `None` if it has none.
    pub async fn stage_output(&self, run_id: RunId, stage_id: &str) -> Result<Option<Json>, Failure> {
        present(self.payload(run_id, &format!("stages/{}/output", segment(stage_id))).await)
    }

    /// Returns the value of an artifact; `None` if there is none.
    pub async fn artifact(&self, run_id: RunId, stage_id: &str, key: &str) -> Result<Option<Json>, Failure> {
        present(self.payload(run_id, &format!("artifacts/{}/{}", segment(stage_id), segment(key))).await)
    }

    /// Follows a run's events, from the one after this number on, to the end of the run.
    pub fn events(&self, run_id: RunId, after: u64) -> Events {
        Events::new(self.client.clone(), run_id, after)
    }

    /// Returns the lines of a request.
    pub async fn lines(&self, call: Call) -> Result<crate::client::Lines, Failure> {
        self.client.lines(call).await
    }

    /// Cancels a run; `false` if it had ended.
    pub async fn cancel(&self, run_id: RunId, reason: &str) -> Result<bool, Failure> {
        let call = Call::post(format!("/runs/{run_id}/cancel"), &json!({ "reason": reason }))?;
        self.field(call, "cancelled").await
    }

    /// Runs a run again from a stage, or tells what would run.
    pub async fn rerun(&self, run_id: RunId, stage_id: &str, dry_run: bool) -> Result<Json, Failure> {
        let call = Call::post(format!("/runs/{run_id}/rerun"), &json!({ "from_stage": stage_id }))?;
        self.post(call.maybe("dry_run", dry_run.then_some(true))).await
    }

    /// Returns the first stage that has not completed: where a rerun begins unless the user names a stage.
    pub async fn first_open_stage(&self, run_id: RunId) -> Result<Option<String>, Failure> {
        let stages = self.stages(run_id).await?;
        let has_ended = |stage: &StageView| {
            matches!(stage.status, workflow_engine::Status::Completed | workflow_engine::Status::Skipped)
        };
        Ok(stages.into_iter().find(|stage| !has_ended(stage)).map(|stage| stage.id))
    }

    /// Checks a waiting stage now; `false` if it does not wait.
    pub async fn wake(&self, run_id: RunId, stage_id: &str) -> Result<bool, Failure> {
        let call = Call::post(format!("/runs/{run_id}/wake"), &json!({ "stage": stage_id }))?;
        self.field(call, "woken").await
    }

    /// Raises the budget of a run or of one stage, and returns the number of stages that continue.
    pub async fn raise_budget(
        &self,
        run_id: RunId,
        stage_id: Option<&str>,
        budget: Cost,
    ) -> Result<usize, Failure> {
        let body = json!({ "budget": budget, "stage": stage_id });
        self.field(Call::post(format!("/runs/{run_id}/budget"), &body)?, "resumed").await
    }

    /// Annotates a run or one of its stages.
    pub async fn annotate(
        &self,
        run_id: RunId,
        request: &Annotate,
        actor: Option<String>,
    ) -> Result<usize, Failure> {
        let call = Call::post(format!("/runs/{run_id}/annotations"), request)?;
        self.field(Call { actor, ..call }, "attached").await
    }

    /// Returns the workflows with their versions.
    pub async fn workflows(&self) -> Result<(Json, Vec<WorkflowView>), Failure> {
        let json = self.get(Call::get("/workflows")).await?;
        let page: PageView<WorkflowView> = json.decode()?;
        Ok((json, page.items))
    }

    async fn field<T: DeserializeOwned>(&self, call: Call, name: &str) -> Result<T, Failure> {
        let mut fields: std::collections::BTreeMap<String, Json> = self.client.json(call).await?;
        let missing = || Failure::new(Exit::Internal, format!("the answer has no field `{name}`"));
        Ok(fields.remove(name).ok_or_else(missing)?.decode()?)
    }
}

/// Turns the absence of a payload into `None`. A run that does not exist is an error.
fn present(found: Result<Json, Failure>) -> Result<Option<Json>, Failure> {
    match found {
        Ok(json) => Ok(Some(json)),
        Err(failure) if failure.code().is_some_and(|code| code == "NOT_FOUND") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Returns the request for runs that match.
pub fn runs(path: &str, filter: &RunFilter) -> Call {
    let mut call = Call::get(path);
    for status in &filter.statuses {
        call = call.query("status", status);
    }
    for (key, value) in &filter.tags {
        call = call.query("tag", format!("{key}:{value}"));
    }
    let name = |value: Option<serde_json::Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let phase = filter.phase.and_then(|phase| serde_json::to_value(phase).ok());
    let waiting_for = filter.waiting_for.and_then(|waiting_for| serde_json::to_value(waiting_for).ok());
    call.maybe("phase", name(phase))
        .maybe("waiting_for", name(waiting_for))
        .maybe("workflow", filter.workflow_id.as_ref())
        .maybe("created_after", filter.created_since.map(|at| at.to_rfc3339()))
        .maybe("created_before", filter.created_before.map(|at| at.to_rfc3339()))
        .maybe("definition", filter.definition.as_ref())
        .maybe("error", filter.error_code.as_ref())
        .maybe("blocked_reason", filter.blocked_reason.as_ref())
        .maybe("key", filter.idempotency_key.as_ref())
        .maybe("parent", filter.parent.map(|parent| parent.to_string()))
        .maybe("id", filter.id_prefix.as_ref())
}
