//! `run.fork`: creates a run that takes over what another one has completed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::definition::{Progress, Source, WorkflowDefinition};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::compatibility::definition_of;
use crate::kernel::idempotency;
use crate::kernel::registry::Registered;
use crate::kernel::run_request::check_request;
use crate::kernel::start_plan::delay_of;
use crate::kernel::stored_values::prepare_taken_over;
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, NewRun, NewStage, Precondition, Snapshot};
use crate::records::{Actor, RunRequest, Status, StoredValue, action, origin};
use crate::value::{Json, RunId};

/// Creates a run that takes over what another run has completed before a stage, and runs this stage and everything after
/// it: with another configuration, with edited outputs of earlier stages, or, from the start, with another input. The
/// other run stays as it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ForkRun {
    /// The run that is forked; it must have started.
    pub run_id: RunId,
    /// The stage to start from. Every stage before it must have completed.
    pub from_stage_id: String,
    /// Another input; only if no stage is taken over.
    #[serde(default)]
    pub input: Option<Json>,
    /// Another configuration, as of [`CreateRun`](super::CreateRun); by default that of the forked run.
    #[serde(default)]
    pub config: Option<Json>,
    /// Other outputs of stages that are taken over, by stage.
    #[serde(default)]
    pub outputs: BTreeMap<String, Json>,
    /// The idempotency key. The same key with the same request forks once; see [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Only returns what would run, after all checks, and creates nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The new run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForkRunOutput {
    /// Its id; `None` for a dry run.
    pub run_id: Option<RunId>,
    /// The stages whose outputs it takes over, in reading order.
    pub taken_over: Vec<String>,
    /// The stages that it runs, in reading order.
    pub stages: Vec<String>,
}

#[derive(Serialize)]
struct Request<'a>(RunId, &'a str, Option<&'a Json>, Option<&'a Json>, &'a BTreeMap<String, Json>);

/// The checked parts of a fork.
struct Fork<'a> {
    snapshot: &'a Snapshot,
    definition: &'a WorkflowDefinition,
    taken_over: Vec<usize>,
    stages: Vec<usize>,
    request: RunRequest,
}

#[async_trait]
impl Command for ForkRun {
    type Output = ForkRunOutput;
    const NAME: &'static str = "run.fork";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `RUN_NEVER_STARTED`, `ANCESTOR_NOT_COMPLETED`, `INVALID_REQUEST`,
    /// `INVALID_INPUT`, `INVALID_CONFIG`, `IDEMPOTENCY_CONFLICT`; `WORKFLOW_NOT_FOUND` or
    /// `DEFINITION_MISMATCH` when this process lacks the run's workflow or definition; `BLOB_MISSING` when a rerun has
    /// deleted an output since.
    async fn execute(self, kernel: &Kernel) -> Result<ForkRunOutput, Error> {
        self.fork(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<ForkRunOutput, Error> {
        self.fork(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl ForkRun {
    async fn fork(self, kernel: &Kernel, by: Option<&Actor>) -> Result<ForkRunOutput, Error> {
        let source = self.run_id;
        let snapshot = kernel.store().snapshot(source).await?.ok_or_else(|| Error::run_not_found(source))?;
        let registered = definition_of(kernel, &snapshot.run).await?;
        let definition = registered.definition();
        let fork = self.check(kernel, registered, &snapshot).await?;
        let ids =
            |stages: &[usize]| stages.iter().map(|stage| definition.stages[*stage].id.clone()).collect();
        let mut output =
            ForkRunOutput { run_id: None, taken_over: ids(&fork.taken_over), stages: ids(&fork.stages) };
        if self.dry_run {
            return Ok(output);
        }
        let run_id = RunId::generate();
        output.run_id = Some(run_id);
        let entry = self.entry(&output)?;
        let decision = self.decide(kernel, by, run_id, fork, entry.clone()).await?;
        match (kernel.store().commit(decision).await?, entry) {
            (Commit::Applied(_), _) => Ok(output),
            (Commit::Duplicate { request_hash, result }, Some(entry)) => {
                idempotency::first_output(&entry, &request_hash, &result)
            }
            _ => Err(Error::run_id_taken(run_id)),
        }
    }
}

impl ForkRun {
    /// Creates a command that forks this run from this stage, with everything as it was.
    #[must_use]
    pub fn new(run_id: RunId, from_stage_id: impl Into<String>) -> Self {
        Self {
            run_id,
            from_stage_id: from_stage_id.into(),
            input: None,
            config: None,
            outputs: BTreeMap::new(),
            idempotency_key: None,
            dry_run: false,
        }
    }

    /// Checks the request against the definition and the state of the run.
    async fn check<'a>(
        &self,
        kernel: &Kernel,
        registered: &'a Registered,
        snapshot: &'a Snapshot,
    ) -> Result<Fork<'a>, Error> {
        let run_id = self.run_id;
        let (taken_over, stages) = plan(snapshot, registered, &self.from_stage_id)?;
        for (stage_id, output) in &self.outputs {
            let stage = registered.stage(stage_id).filter(|(index, _)| taken_over.contains(index));
            let Some((_, stage)) = stage else {
                return Err(Error::invalid_request(format!(
                    "the output of stage `{stage_id}` of run `{run_id}` is not taken over, so it cannot be edited"
                )));
            };
            (stage.read_output)(output).map_err(|error| {
                Error::invalid_request(format!(
                    "the output of stage `{stage_id}` is not of its type: {error}"
                ))
            })?;
        }
        if self.input.is_some() && !taken_over.is_empty() {
            let message = "another input needs a fork from the start, where no stage is taken over";
            return Err(Error::invalid_request(message));
        }
        let old = kernel.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let (input, config) = (self.input.as_ref(), self.config.as_ref());
        let (input, config) = (input.unwrap_or(&old.input), config.unwrap_or(&old.config));
        let limits = kernel.config().limits;
        let (request, _) = check_request(registered, limits, input, Some(config), old.metadata.clone())?;
        Ok(Fork { snapshot, definition: registered.definition(), taken_over, stages, request })
    }

    async fn decide(
        &self,
        kernel: &Kernel,
        by: Option<&Actor>,
        run_id: RunId,
        fork: Fork<'_>,
        idempotency: Option<IdempotencyEntry>,
    ) -> Result<Decision, Error> {
        let Fork { snapshot, definition, taken_over, stages, request } = fork;
        let runs_again: BTreeSet<usize> = stages.iter().copied().collect();
        // A stage that is taken over has chosen no arm: see `plan`.
        let count = |source: &Source| {
            source
                .open(&|index| Progress { is_completed: !runs_again.contains(&index), ..Progress::default() })
        };
        let mut changes = vec![Change::CreateRun(NewRun {
            workflow_id: definition.id.clone(),
            workflow_name: definition.name.clone(),
            definition_fingerprint: definition.fingerprint().to_owned(),
            priority: snapshot.run.priority,
            request,
        })];
        let details = json!({ "forked_from": self.run_id, "from_stage_id": self.from_stage_id });
        let annotation = match by {
            Some(by) => action("fork", &details, by),
            None => origin("fork", &details),
        };
        changes.push(Change::Annotate { stage_id: None, annotation });
        let tags = kernel.store().tags(self.run_id).await?;
        if !tags.is_empty() {
            changes.push(Change::Tag { tags });
        }
        let budget = snapshot.run.spending.budget;
        changes.extend(budget.map(|budget| Change::SetBudget { stage_id: None, budget }));
        let deadline = snapshot.run.times.deadline;
        changes.extend(deadline.map(|deadline| Change::SetTimes { start: None, deadline: Some(deadline) }));
        changes.push(Change::StartRun {
            stages: definition
                .stages
                .iter()
                .map(|stage| NewStage {
                    stage_id: stage.id.clone(),
                    stage_name: stage.name.clone(),
                    stage_number: stage.number,
                    execution_group: stage.execution_group,
                    waiting_on: count(&stage.source),
                })
                .collect(),
            waiting_on: count(&definition.output),
        });
        for index in taken_over {
            let stage_id = &definition.stages[index].id;
            let output = match self.outputs.get(stage_id) {
                Some(output) => (definition.stages[index].read_output)(output)
                    .map_err(|error| Error::invalid_request(error.to_string()))?,
                None => kernel.resolve(self.run_id, stored_output(snapshot, stage_id)?).await?,
            };
            let prepared = prepare_taken_over(kernel, run_id, stage_id, &output).await?;
            changes.extend(prepared.blob);
            changes.push(Change::TakeOver { stage_id: stage_id.clone(), output: prepared.value });
        }
        let ready = stages.into_iter().map(|index| &definition.stages[index]);
        changes.extend(ready.filter(|stage| count(&stage.source) == 0).flat_map(|stage| {
            let enqueue = Change::Enqueue {
                stage_id: stage.id.clone(),
                max_attempts: stage.retry.max_attempts,
                max_crashes: stage.retry.max_crashes,
                claim: None,
            };
            // The stage from which the fork begins starts at once.
            let delay = delay_of(stage).filter(|_| stage.id != self.from_stage_id);
            std::iter::once(enqueue).chain(delay)
        }));
        let precondition = Precondition::Absent;
        Ok(Decision { run_id, command: Self::NAME, precondition, idempotency, changes })
    }

    fn entry(&self, output: &ForkRunOutput) -> Result<Option<IdempotencyEntry>, Error> {
        let (input, config) = (self.input.as_ref(), self.config.as_ref());
        let request = Request(self.run_id, &self.from_stage_id, input, config, &self.outputs);
        let entry = |key: &String| idempotency::entry(Self::NAME, key, &request, output);
        self.idempotency_key.as_ref().map(entry).transpose()
    }
}

/// Returns the stages that are taken over, and those that run, each in reading order.
fn plan(
    snapshot: &Snapshot,
    registered: &Registered,
    from_stage_id: &str,
) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let (run_id, definition) = (snapshot.run.id, registered.definition());
    let (from, _) =
        registered.stage(from_stage_id).ok_or_else(|| Error::stage_not_found(run_id, from_stage_id))?;
    if snapshot.stages.is_empty() {
        return Err(Error::run_never_started(run_id));
    }
    let is_completed = |index: usize| {
        let id = &definition.stages[index].id;
        snapshot.stages.iter().any(|stage| stage.stage_id == *id && stage.status == Status::Completed)
    };
    // In reading order, so every predecessor is decided before.
    let mut runs = vec![false; definition.stages.len()];
    for (index, stage) in definition.stages.iter().enumerate() {
        // Which arm was taken, or which failure was caught, is not taken over.
        let decides = stage.choice.is_some() || definition.catch_around(index).is_some();
        runs[index] = index == from
            || decides
            || !is_completed(index)
            || stage.predecessors.iter().any(|predecessor| runs[*predecessor]);
    }
    let missing = ancestors(definition, from).into_iter().find(|ancestor| runs[*ancestor]);
    if let Some(ancestor) = missing {
        return Err(Error::ancestor_not_completed(run_id, from_stage_id, &definition.stages[ancestor].id));
    }
    Ok((0..runs.len()).partition(|index| !runs[*index]))
}

fn ancestors(definition: &WorkflowDefinition, from: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(index) = open.pop() {
        open.extend(definition.stages[index].predecessors.iter().filter(|before| found.insert(**before)));
    }
    found
}

fn stored_output(snapshot: &Snapshot, stage_id: &str) -> Result<StoredValue, Error> {
    let stage = snapshot.stages.iter().find(|stage| stage.stage_id == stage_id);
    let output = stage.and_then(|stage| stage.output.clone());
    output.ok_or_else(|| Error::stage_not_found(snapshot.run.id, stage_id))
}
