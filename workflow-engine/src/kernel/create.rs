//! `run.create`: stores a run.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::idempotency;
use super::run_cache::RunMemory;
use super::start::start_changes;
use super::{Kernel, Registered};
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, NewRun, Precondition};
use crate::records::Annotation;
use crate::records::{Claimant, ClaimedJob, RunRequest, Status};
use crate::value::Limits;
use crate::value::{Cost, Json, RunId, nearest};

/// Creates a run. Input and configuration are checked against the compiled types first; the configuration is filled
/// with its defaults, deeply. When this is answered, the run is on disk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRun {
    /// The same key with the same request answers the run that the first one made; with another request it is an
    /// `IDEMPOTENCY_CONFLICT`. `None` makes a run each time. At most 255 bytes.
    pub idempotency_key: Option<String>,
    /// The workflow's id.
    pub workflow_id: String,
    /// The workflow's input.
    pub input: Json,
    /// An object from stage ids to their fields; what is absent takes its default.
    pub config: Option<Json>,
    /// Higher is claimed first; `None` means 5.
    pub priority: Option<i32>,
    /// Kept with the run, for the caller's own use.
    pub metadata: Option<Json>,
    /// What is noted about the run in the commit that creates it.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// What its calls of models may cost, in all its generations together; `None` for no limit.
    #[serde(default)]
    pub budget: Option<Cost>,
}

/// The run that was created, now or by an earlier request with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CreateRunOutput {
    /// The run's id.
    pub run_id: RunId,
    /// Its status now.
    pub status: Status,
}

#[async_trait]
impl Command for CreateRun {
    type Output = CreateRunOutput;
    const NAME: &'static str = "run.create";

    async fn execute(self, kernel: &Kernel) -> Result<CreateRunOutput, Error> {
        create(kernel, self, Placement::Elsewhere).await.map(|created| created.run)
    }
}

/// A created run, with the jobs that its own commit claimed.
pub(crate) struct Created {
    pub(crate) run: CreateRunOutput,
    pub(crate) claimed: Vec<ClaimedJob>,
}

/// Where a new run is likely to be executed.
pub(crate) enum Placement<'a> {
    /// Nobody knows.
    Elsewhere,
    /// By this process, when it has room.
    Here,
    /// By this process at once: it is started in the commit that creates it, and so many of its first jobs are claimed.
    Slots(&'a Claimant, usize),
}

/// Creates a run.
pub(crate) async fn create(
    kernel: &Kernel,
    command: CreateRun,
    place: Placement<'_>,
) -> Result<Created, Error> {
    let registered = kernel.registry().by_id(&command.workflow_id)?;
    let run_id = RunId::generate();
    let (request, config) =
        check_request(registered, &command.input, command.config.as_ref(), command.metadata.clone())?;
    check_sizes(kernel.ports().limits, &command.workflow_id, &request)?;
    let idempotency = idempotency_entry(&command, run_id)?;
    let key = idempotency.clone();
    let input = request.input.clone();
    let priority = command.priority.unwrap_or(Claimant::DEFAULT_PRIORITY);
    command.annotations.iter().try_for_each(Annotation::check).map_err(Error::invalid_annotation)?;
    let new = NewRun::of(registered.definition(), priority, request);
    let mut notes: Vec<Change> = command
        .annotations
        .into_iter()
        .map(|annotation| Change::Annotate { stage_id: None, annotation })
        .collect();
    notes.extend(command.budget.map(|budget| Change::SetBudget { stage_id: None, budget }));
    let (claim, status) = match place {
        Placement::Slots(claim, slots) => (Some((claim, slots)), Status::Running),
        Placement::Elsewhere | Placement::Here => (None, Status::Pending),
    };
    let decision = decide(registered.definition(), run_id, new, notes, idempotency, claim);

    match kernel.store().commit(decision).await? {
        Commit::Applied(applied) => {
            match place {
                Placement::Elsewhere => {}
                Placement::Here => kernel.memories().insert_early(run_id, RunMemory::new(input, config)),
                Placement::Slots(..) => {
                    kernel.memories().insert(run_id, 1, RunMemory::new(input, config));
                }
            }
            Ok(Created { run: CreateRunOutput { run_id, status }, claimed: applied.claimed })
        }
        Commit::Duplicate { request_hash, result } => {
            let key = key.ok_or_else(|| Error::run_id_taken(run_id))?;
            let run_id: RunId = idempotency::answer(&key, &request_hash, &result)?;
            let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
            Ok(Created { run: CreateRunOutput { run_id, status: run.status }, claimed: Vec::new() })
        }
        Commit::PreconditionFailed => Err(Error::run_id_taken(run_id)),
    }
}

impl NewRun {
    fn of(definition: &WorkflowDefinition, priority: i32, request: RunRequest) -> Self {
        Self {
            workflow_id: definition.id.clone(),
            workflow_name: definition.name.clone(),
            definition_fingerprint: definition.fingerprint().to_owned(),
            priority,
            request,
        }
    }
}

fn decide(
    definition: &WorkflowDefinition,
    run_id: RunId,
    new: NewRun,
    notes: Vec<Change>,
    idempotency: Option<IdempotencyEntry>,
    claim: Option<(&Claimant, usize)>,
) -> Decision {
    let mut changes = vec![Change::CreateRun(new)];
    changes.extend(notes);
    if let Some((claim, slots)) = claim {
        changes.extend(start_changes(definition, Some(claim), slots));
    }
    Decision { run_id, precondition: Precondition::Absent, idempotency, changes }
}

/// The request as it was given: defaults are not part of it, so a deployment that changes one does not turn a
/// repetition into a conflict.
#[derive(Serialize)]
struct Request<'a>(
    &'a str,
    &'a Json,
    Option<&'a Json>,
    Option<i32>,
    Option<&'a Json>,
    &'a [Annotation],
    Option<Cost>,
);

fn idempotency_entry(command: &CreateRun, run_id: RunId) -> Result<Option<IdempotencyEntry>, Error> {
    let Some(key) = &command.idempotency_key else { return Ok(None) };
    let request = Request(
        &command.workflow_id,
        &command.input,
        command.config.as_ref(),
        command.priority,
        command.metadata.as_ref(),
        &command.annotations,
        command.budget,
    );
    idempotency::entry(CreateRun::NAME, key, &request, &run_id).map(Some)
}

/// Checks input and configuration against the compiled types, and answers their stored form.
fn check_request(
    registered: &Registered,
    input: &Json,
    config: Option<&Json>,
    metadata: Option<Json>,
) -> Result<(RunRequest, HashMap<String, Json>), Error> {
    let definition = registered.definition();
    let input =
        (definition.check_input)(input).map_err(|error| Error::invalid_input(&definition.id, error))?;
    let given: BTreeMap<String, Json> = match config {
        None => BTreeMap::new(),
        Some(config) => config.decode().map_err(|error| {
            Error::invalid_config(&definition.id, format_args!("expected an object of stage ids: {error}"))
        })?,
    };
    if let Some(unknown) = given.keys().find(|stage_id| registered.stage(stage_id).is_none()) {
        return Err(Error::invalid_config(&definition.id, unknown_stage(definition, unknown)));
    }
    let mut config = HashMap::with_capacity(definition.stages.len());
    for stage in &definition.stages {
        let complete = stage.config.complete(given.get(&stage.id)).map_err(|reason| {
            Error::invalid_config(&definition.id, format_args!("stage `{}`: {reason}", stage.id))
        })?;
        config.insert(stage.id.clone(), complete);
    }
    let ordered: BTreeMap<&String, &Json> = config.iter().collect();
    let stored = Json::encode(&ordered).map_err(|error| Error::invalid_config(&definition.id, error))?;
    Ok((RunRequest { input, config: stored, metadata }, config))
}

/// What could not be read back is not stored.
fn check_sizes(limits: Limits, workflow_id: &str, request: &RunRequest) -> Result<(), Error> {
    let RunRequest { input, config, metadata } = request;
    let parts = [("input", Some(input)), ("configuration", Some(config)), ("metadata", metadata.as_ref())];
    for (what, part) in parts {
        let storable = part.map_or(Ok(()), |part| limits.check(part));
        storable.map_err(|fault| Error::unstorable(what, workflow_id, fault.code(), fault))?;
    }
    Ok(())
}

fn unknown_stage(definition: &WorkflowDefinition, unknown: &str) -> String {
    let known: Vec<&str> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
    let meant = nearest(unknown, &known).map(|id| format!(", did you mean `{id}`")).unwrap_or_default();
    format!("it has no stage `{unknown}`{meant}; its stages are `{}`", known.join("`, `"))
}
