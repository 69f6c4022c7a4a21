//! `run.rerunFrom`: runs a terminal run again from one of its stages, as its next generation.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::definition::{CatchDefinition, Progress, WorkflowDefinition};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{decision_at, try_commit_from_snapshot};
use crate::kernel::idempotency;
use crate::kernel::run_graph::{RunGraph, graph_and_definition_of};
use crate::kernel::start_plan::delay_change;
use crate::ports::{BlobStore, Change, Commit, Decision, IdempotencyEntry, RerunStage, Snapshot};
use crate::records::{Actor, RunRecord, Status, action};
use crate::value::RunId;

/// Runs a stage, its direct and indirect successors, and every stage that has not completed, once more. Completed stages
/// before it are kept and do not run again. A skipped stage is covered only together with its `match`, and
/// a failure that a `catch` has turned into a value only together with a stage of that `catch`. Jobs and blobs of the
/// old generation become void.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerunFrom {
    /// The run; it must be terminal.
    pub run_id: RunId,
    /// The stage to start from. Every stage before it must have completed.
    pub from_stage_id: String,
    /// The idempotency key. The same key with the same request reruns once; see [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Only returns what would run, and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// The stages that run again, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RerunFromOutput {
    /// The run's next generation.
    pub generation: u32,
    /// The stages, in reading order.
    pub stages: Vec<String>,
}

#[derive(Serialize)]
struct Request<'a>(RunId, &'a str);

#[async_trait]
impl Command for RerunFrom {
    type Output = RerunFromOutput;
    const NAME: &'static str = "run.rerunFrom";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `STAGE_SKIPPED`, `RUN_NOT_TERMINAL`, `RUN_NEVER_STARTED`, `ANCESTOR_NOT_COMPLETED`,
    /// `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when neither this process nor the store has the run's definition,
    /// `IDEMPOTENCY_CONFLICT`.
    async fn execute(self, kernel: &Kernel) -> Result<RerunFromOutput, Error> {
        self.rerun_once(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<RerunFromOutput, Error> {
        self.rerun_once(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl RerunFrom {
    /// Creates a command that reruns a run from this stage.
    #[must_use]
    pub fn new(run_id: RunId, from_stage_id: impl Into<String>) -> Self {
        Self { run_id, from_stage_id: from_stage_id.into(), idempotency_key: None, dry_run: false }
    }

    async fn rerun_once(&self, kernel: &Kernel, by: Option<&Actor>) -> Result<RerunFromOutput, Error> {
        if let Some(output) = self.earlier_output(kernel).await? {
            return Ok(output);
        }
        match self.rerun(kernel, by).await {
            // A request with the same key may have been faster since the first look, and has changed the run. Its key is
            // in the commit that did so.
            Err(error) if !error.is_retryable() => {
                self.earlier_output(kernel).await.and_then(|output| output.ok_or(error))
            }
            result => result,
        }
    }

    async fn rerun(&self, kernel: &Kernel, by: Option<&Actor>) -> Result<RerunFromOutput, Error> {
        let run_id = self.run_id;
        let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let (graph, definition) = graph_and_definition_of(kernel, &snapshot.run).await?;
        let graph = Arc::new(graph);
        let plan = plan(&snapshot, &graph, definition, &self.from_stage_id)?;
        if self.dry_run {
            return Ok(plan);
        }
        let entry = self.entry(&plan)?;
        // The plan of the decision that is committed: a second one is made if the run has moved in between.
        let planned = Arc::new(Mutex::new(plan));
        let decide = {
            let (command, planned) = (self.clone(), Arc::clone(&planned));
            let details = json!({ "from_stage_id": self.from_stage_id });
            let action = by.map(|by| action("rerun", &details, by));
            move |snapshot: &Snapshot| {
                let plan = self::plan(snapshot, &graph, definition, &command.from_stage_id).ok()?;
                let entry = command.entry(&plan).ok()?;
                let mut decision =
                    decide(snapshot, &graph, definition, (&plan, &command.from_stage_id), entry);
                let action = action.clone();
                decision
                    .changes
                    .extend(action.map(|annotation| Change::Annotate { stage_key: None, annotation }));
                *planned.lock().unwrap_or_else(PoisonError::into_inner) = plan;
                Some(decision)
            }
        };
        match (try_commit_from_snapshot(kernel, run_id, decide).await?, entry) {
            (Commit::Applied(_), _) => {
                let output = planned.lock().unwrap_or_else(PoisonError::into_inner).clone();
                delete_void_blobs(kernel, run_id, &output).await;
                Ok(output)
            }
            (Commit::Duplicate { request_hash, result }, Some(entry)) => {
                idempotency::first_output(&entry, &request_hash, &result)
            }
            // Another request was faster, so the run is no longer terminal.
            _ => Err(Error::run_not_terminal(run_id, Status::Running)),
        }
    }

    fn entry(&self, output: &RerunFromOutput) -> Result<Option<IdempotencyEntry>, Error> {
        let request = Request(self.run_id, &self.from_stage_id);
        let entry = |key: &String| idempotency::entry(Self::NAME, key, &request, output);
        self.idempotency_key.as_ref().map(entry).transpose()
    }

    /// Returns the output of an earlier request with the same key. It is queried before anything else, because a
    /// repeated request finds the run as the first one has left it.
    async fn earlier_output(&self, kernel: &Kernel) -> Result<Option<RerunFromOutput>, Error> {
        let no_output = RerunFromOutput { generation: 0, stages: Vec::new() };
        let Some(entry) = self.entry(&no_output)?.filter(|_| !self.dry_run) else { return Ok(None) };
        match kernel.store().run(self.run_id).await? {
            None => Err(Error::run_not_found(self.run_id)),
            Some(_) => idempotency::stored_output(kernel, self.run_id, &entry).await,
        }
    }
}

/// Deletes the blobs of the generations before from a blob store outside of the database. In the store's own table, the
/// commit has deleted them. What an interruption leaves, the stage's next rerun deletes, or retention.
async fn delete_void_blobs(kernel: &Kernel, run_id: RunId, rerun: &RerunFromOutput) {
    let Some(blobs) = &kernel.config().blobs else { return };
    for stage_id in &rerun.stages {
        if let Err(error) = delete_blobs_before(&**blobs, run_id, stage_id, rerun.generation).await {
            tracing::warn!(run = %run_id, stage = stage_id, %error, "blobs of replaced outputs are not deleted; the stage's next rerun or retention deletes them");
        }
    }
}

async fn delete_blobs_before(
    blobs: &dyn BlobStore,
    run_id: RunId,
    stage_id: &str,
    generation: u32,
) -> Result<(), Error> {
    let prefix = format!("{run_id}/{stage_id}");
    for key in blobs.list(&prefix).await? {
        // Run, stage, generation, epoch.
        let of: Option<u32> = key.0.split('/').nth(2).and_then(|of| of.parse().ok());
        if of.is_some_and(|of| of < generation) {
            blobs.delete(&key).await?;
        }
    }
    Ok(())
}

/// Returns the stages that a rerun from this stage covers. Without a definition, the graph has neither choices nor catches.
fn plan(
    snapshot: &Snapshot,
    graph: &RunGraph,
    definition: Option<&WorkflowDefinition>,
    from: &str,
) -> Result<RerunFromOutput, Error> {
    let run = &snapshot.run;
    let position = |stage_id: &str| graph.stages.iter().position(|stage| stage.id == stage_id);
    let from_position = position(from).ok_or_else(|| Error::stage_not_found(run.id, from))?;
    if !run.status.is_terminal() {
        return Err(Error::run_not_terminal(run.id, run.status));
    }
    if snapshot.stages.is_empty() {
        return Err(Error::run_never_started(run.id));
    }
    let has_status = |index: usize, status: Status| {
        let id = &graph.stages[index].id;
        snapshot.stages.iter().any(|stage| stage.stage_id == *id && stage.status == status)
    };
    let is_completed = |index: usize| has_status(index, Status::Completed);
    let is_skipped = |index: usize| has_status(index, Status::Skipped);
    let has_failure = |catch: &CatchDefinition| {
        let keeper = &graph.stages[catch.keeper()].id;
        snapshot.stages.iter().any(|stage| stage.stage_id == *keeper && stage.failure.is_some())
    };
    // The catches that have turned a failure into a value.
    let catches = definition.map(|definition| definition.catches.as_slice()).unwrap_or_default();
    let caught: Vec<&CatchDefinition> = catches.iter().filter(|catch| has_failure(catch)).collect();
    let is_caught = |index: usize| caught.iter().any(|catch| catch.stages.contains(&index));
    if let Some(definition) = definition.filter(|_| is_skipped(from_position)) {
        return Err(skipped(run, definition, snapshot, from_position));
    }
    let has_ended = |index: usize| is_completed(index) || is_skipped(index) || is_caught(index);
    let ancestors = reachable(from_position, |index| &graph.stages[index].predecessors);
    if let Some(&ancestor) = ancestors.iter().find(|&&index| !has_ended(index)) {
        return Err(Error::ancestor_not_completed(run.id, from, &graph.stages[ancestor].id));
    }
    let descendants = reachable(from_position, |index| &graph.stages[index].successors);
    let runs_again =
        |index: usize| index == from_position || descendants.contains(&index) || !has_ended(index);
    let covered = |index: &usize| {
        // What a failure has ended runs again with any stage of its catch, and so does the stage that keeps the failure.
        let with_catch = caught.iter().any(|catch| {
            catch.stages.contains(index)
                && (!is_completed(*index) || catch.keeper() == *index)
                && catch.stages.clone().any(runs_again)
        });
        let mut choices = definition.iter().flat_map(|definition| definition.choices_around(*index));
        let with_choice = is_skipped(*index) && choices.any(runs_again);
        runs_again(*index) || with_catch || with_choice
    };
    let stages = (0..graph.stages.len()).filter(covered);
    Ok(RerunFromOutput {
        generation: run.generation + 1,
        stages: stages.map(|index| graph.stages[index].id.clone()).collect(),
    })
}

/// Returns the error of a rerun from a skipped stage, which names the stage to rerun from instead.
fn skipped(run: &RunRecord, definition: &WorkflowDefinition, snapshot: &Snapshot, stage: usize) -> Error {
    let id = |index: usize| definition.stages[index].id.as_str();
    let stored = |index: usize| snapshot.stages.iter().find(|stored| stored.stage_id == id(index));
    // The innermost choice that was made: those inside of it were skipped too.
    let made =
        definition.choices_around(stage).filter(|choice| stored(*choice).is_some_and(|it| it.arm.is_some()));
    if let Some(choice) = made.last() {
        return Error::stage_skipped(run.id, id(stage), id(choice));
    }
    let catch = definition.catch_around(stage);
    let failed = catch.and_then(|catch| {
        catch.stages.clone().find(|index| stored(*index).is_some_and(|it| it.status == Status::Failed))
    });
    Error::stage_skipped(run.id, id(stage), failed.map_or("", id))
}

fn decide(
    snapshot: &Snapshot,
    graph: &RunGraph,
    definition: Option<&WorkflowDefinition>,
    (plan, from): (&RerunFromOutput, &str),
    idempotency: Option<IdempotencyEntry>,
) -> Decision {
    let covered: HashSet<&str> = plan.stages.iter().map(String::as_str).collect();
    let progress = |index: usize| {
        let id = graph.stages[index].id.as_str();
        let stored = snapshot.stages.iter().find(|stage| stage.stage_id == id);
        // A stage that runs again keeps neither its arm nor its failure.
        if covered.contains(id) {
            return Progress::default();
        }
        Progress {
            is_completed: true,
            arm: stored.and_then(|stage| stage.arm),
            has_failure: stored.is_some_and(|stage| stage.failure.is_some()),
        }
    };
    let count = |stages: &[usize]| {
        let open = stages.iter().filter(|stage| !progress(**stage).is_completed);
        u32::try_from(open.count()).unwrap_or(u32::MAX)
    };
    let waiting_on = |index: usize| match definition {
        Some(definition) => definition.stages[index].source.open(&progress),
        None => count(&graph.stages[index].predecessors),
    };
    let ends = match definition {
        Some(definition) => definition.output.open(&progress),
        None => count(&graph.output_stages),
    };

    let again = graph.stages.iter().enumerate().filter(|(_, stage)| covered.contains(stage.id.as_str()));
    let stages: Vec<RerunStage> = again
        .clone()
        .map(|(index, stage)| RerunStage { stage_key: stage.key(), waiting_on: waiting_on(index) })
        .collect();
    let ready = again.filter(|(index, _)| waiting_on(*index) == 0).flat_map(|(_, stage)| {
        let enqueue = Change::Enqueue {
            stage_key: stage.key(),
            max_attempts: stage.max_attempts,
            max_crashes: stage.max_crashes,
            claim: None,
        };
        // The stage from which the rerun begins starts at once.
        let delay = delay_change(&stage.key(), stage.delay.filter(|_| stage.id != from));
        std::iter::once(enqueue).chain(delay)
    });
    // Opens the next generation. Leases, cached outputs, artifacts and blobs carry their generation, so nothing of the
    // old one is used in the new one.
    let rerun = Change::Rerun { stages, waiting_on: ends };
    Decision {
        idempotency,
        ..decision_at(snapshot, RerunFrom::NAME, std::iter::once(rerun).chain(ready).collect())
    }
}

/// Returns every stage that can be reached from this one over these edges.
fn reachable<'a>(from: usize, edges: impl Fn(usize) -> &'a Vec<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![from];
    while let Some(index) = open.pop() {
        for &next in edges(index) {
            if seen.insert(next) {
                found.push(next);
                open.push(next);
            }
        }
    }
    found.sort_unstable();
    found
}
