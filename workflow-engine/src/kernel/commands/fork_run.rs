//! `run.fork`: creates a run that takes over what another one has completed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::definition::{Graph, Progress, WorkflowDefinition};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::idempotency;
use crate::kernel::run_graph::{FoundGraph, found_graph_of};
use crate::kernel::run_request::{check_request, check_sizes};
use crate::kernel::start_plan::delay_change;
use crate::kernel::stored_schema::{Edits, check_stored};
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
    graph: Graph,
    /// `None` where only the store has it; then the graph has neither choices nor catches.
    definition: Option<&'a WorkflowDefinition>,
    /// The edited outputs, as they are stored.
    outputs: BTreeMap<String, Json>,
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
    /// `INVALID_INPUT`, `INVALID_CONFIG`, `IDEMPOTENCY_CONFLICT`; `BLOB_MISSING` when a rerun has deleted an output since.
    ///
    /// `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when this process lacks the definition, and needs it: for a workflow with
    /// choices or catches, and for edited values without the Cargo feature `schemas`. Otherwise the definition in the store
    /// is enough.
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
        let fork = self.check(kernel, &snapshot).await?;
        let ids =
            |stages: &[usize]| stages.iter().map(|stage| fork.graph.stages[*stage].id.clone()).collect();
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
    async fn check<'a>(&self, kernel: &'a Kernel, snapshot: &'a Snapshot) -> Result<Fork<'a>, Error> {
        let run_id = self.run_id;
        let found = found_graph_of(kernel, &snapshot.run).await?;
        let graph = match &found {
            FoundGraph::Registered(registered) => Graph::of(registered.definition()),
            FoundGraph::Stored { graph, .. } => graph.clone(),
        };
        let (taken_over, stages) = plan(snapshot, &graph, &self.from_stage_id)?;
        for stage_id in self.outputs.keys() {
            if !taken_over.iter().any(|index| graph.stages[*index].id == *stage_id) {
                return Err(Error::invalid_request(format!(
                    "the output of stage `{stage_id}` of run `{run_id}` is not taken over, so it cannot be edited"
                )));
            }
        }
        if self.input.is_some() && !taken_over.is_empty() {
            let message = "another input needs a fork from the start, where no stage is taken over";
            return Err(Error::invalid_request(message));
        }
        let old = kernel.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let limits = kernel.config().limits;
        let (definition, request, outputs) = match found {
            FoundGraph::Registered(registered) => {
                let (input, config) = (self.input.as_ref(), self.config.as_ref());
                let (input, config) = (input.unwrap_or(&old.input), config.unwrap_or(&old.config));
                let (request, _) =
                    check_request(registered, limits, input, Some(config), old.metadata.clone())?;
                let definition = registered.definition();
                (Some(definition), request, self.read_outputs(definition)?)
            }
            FoundGraph::Stored { description, missing, .. } => {
                let workflow_id = &snapshot.run.workflow_id;
                let (input, config) = (self.input.as_ref(), self.config.as_ref());
                let edits = Edits { input, config, outputs: &self.outputs };
                let config = check_stored(workflow_id, &description, &edits, missing)?.unwrap_or(old.config);
                let input = self.input.clone().unwrap_or(old.input);
                let request = RunRequest { input, config, metadata: old.metadata };
                check_sizes(limits, workflow_id, &request)?;
                (None, request, self.outputs.clone())
            }
        };
        Ok(Fork { snapshot, graph, definition, outputs, taken_over, stages, request })
    }

    /// Returns the edited outputs as they are stored.
    fn read_outputs(&self, definition: &WorkflowDefinition) -> Result<BTreeMap<String, Json>, Error> {
        let read = |(stage_id, output): (&String, &Json)| {
            let stage = definition.stages.iter().find(|stage| stage.id == *stage_id);
            let read = stage.map(|stage| (stage.read_output)(output)).transpose();
            let read = read.map_err(|error| {
                Error::invalid_request(format!(
                    "the output of stage `{stage_id}` is not of its type: {error}"
                ))
            })?;
            Ok((stage_id.clone(), read.unwrap_or_else(|| output.clone())))
        };
        self.outputs.iter().map(read).collect()
    }

    async fn decide(
        &self,
        kernel: &Kernel,
        by: Option<&Actor>,
        run_id: RunId,
        fork: Fork<'_>,
        idempotency: Option<IdempotencyEntry>,
    ) -> Result<Decision, Error> {
        let Fork { snapshot, graph, definition, outputs, taken_over, stages, request } = fork;
        let runs_again: BTreeSet<usize> = stages.iter().copied().collect();
        // A stage that is taken over has chosen no arm: see `plan`.
        let progress = |index| Progress { is_completed: !runs_again.contains(&index), ..Progress::default() };
        let open = |stages: &[usize]| {
            let open = stages.iter().filter(|stage| runs_again.contains(stage)).count();
            u32::try_from(open).unwrap_or(u32::MAX)
        };
        let waiting_on = |index: usize| match definition {
            Some(definition) => definition.stages[index].source.open(&progress),
            None => open(&graph.stages[index].predecessors),
        };
        let ends = match definition {
            Some(definition) => definition.output.open(&progress),
            None => open(&graph.output_stages),
        };
        let mut changes = vec![Change::CreateRun(NewRun {
            workflow_id: snapshot.run.workflow_id.clone(),
            workflow_name: graph.name.clone(),
            definition_fingerprint: definition.map_or_else(
                || snapshot.run.definition_fingerprint.clone(),
                |definition| definition.fingerprint().to_owned(),
            ),
            parent: None,
            priority: snapshot.run.priority,
            request,
        })];
        let details = json!({ "forked_from": self.run_id, "from_stage_id": self.from_stage_id });
        let annotation = match by {
            Some(by) => action("fork", &details, by),
            None => origin("fork", &details),
        };
        changes.push(Change::Annotate { stage_key: None, annotation });
        let tags = kernel.store().tags(self.run_id).await?;
        if !tags.is_empty() {
            changes.push(Change::Tag { tags });
        }
        let budget = snapshot.run.spending.budget;
        changes.extend(budget.map(|budget| Change::SetBudget { stage_key: None, budget }));
        let deadline = snapshot.run.times.deadline;
        changes.extend(deadline.map(|deadline| Change::SetTimes { start: None, deadline: Some(deadline) }));
        changes.push(Change::StartRun {
            stages: graph
                .stages
                .iter()
                .enumerate()
                .map(|(index, stage)| NewStage {
                    stage_key: stage.key(),
                    stage_name: stage.name.clone(),
                    stage_number: stage.number,
                    execution_group: stage.execution_group,
                    waiting_on: waiting_on(index),
                })
                .collect(),
            waiting_on: ends,
        });
        for index in taken_over {
            let (stage_id, stage_key) = (&graph.stages[index].id, graph.stages[index].key());
            let output = match outputs.get(stage_id) {
                Some(output) => output.clone(),
                None => kernel.resolve(self.run_id, stored_output(snapshot, stage_id)?).await?,
            };
            let prepared = prepare_taken_over(kernel, run_id, &stage_key, &output).await?;
            changes.extend(prepared.blob);
            changes.push(Change::TakeOver { stage_key, output: prepared.value });
        }
        let ready = stages.into_iter().filter(|index| waiting_on(*index) == 0);
        changes.extend(ready.map(|index| &graph.stages[index]).flat_map(|stage| {
            let enqueue = Change::Enqueue {
                stage_key: stage.key(),
                max_attempts: stage.max_attempts,
                max_crashes: stage.max_crashes,
                claim: None,
            };
            // The stage from which the fork begins starts at once.
            let delay = delay_change(&stage.key(), stage.delay.filter(|_| stage.id != self.from_stage_id));
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
fn plan(snapshot: &Snapshot, graph: &Graph, from_stage_id: &str) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let run_id = snapshot.run.id;
    let from = graph.stages.iter().position(|stage| stage.id == from_stage_id);
    let from = from.ok_or_else(|| Error::stage_not_found(run_id, from_stage_id))?;
    if snapshot.stages.is_empty() {
        return Err(Error::run_never_started(run_id));
    }
    let is_completed = |index: usize| {
        let id = &graph.stages[index].id;
        snapshot.stages.iter().any(|stage| stage.stage_id == *id && stage.status == Status::Completed)
    };
    // In reading order, so every predecessor is decided before.
    let mut runs = vec![false; graph.stages.len()];
    for (index, stage) in graph.stages.iter().enumerate() {
        // Which arm was taken, or which failure was caught, is not taken over.
        let decides = stage.arms.is_some() || graph.catches.iter().any(|catch| catch.contains(&index));
        runs[index] = index == from
            || decides
            || !is_completed(index)
            || stage.predecessors.iter().any(|predecessor| runs[*predecessor]);
    }
    let missing = ancestors(graph, from).into_iter().find(|ancestor| runs[*ancestor]);
    if let Some(ancestor) = missing {
        return Err(Error::ancestor_not_completed(run_id, from_stage_id, &graph.stages[ancestor].id));
    }
    Ok((0..runs.len()).partition(|index| !runs[*index]))
}

fn ancestors(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(index) = open.pop() {
        open.extend(graph.stages[index].predecessors.iter().filter(|before| found.insert(**before)));
    }
    found
}

fn stored_output(snapshot: &Snapshot, stage_id: &str) -> Result<StoredValue, Error> {
    let stage = snapshot.stages.iter().find(|stage| stage.stage_id == stage_id);
    let output = stage.and_then(|stage| stage.output.clone());
    output.ok_or_else(|| Error::stage_not_found(snapshot.run.id, stage_id))
}
