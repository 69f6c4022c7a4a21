//! `run.signal`: sends a signal to a stage of a run.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::error::{Error, SignalTooLate};
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{decision_at, try_commit_from_snapshot};
use crate::kernel::idempotency;
use crate::kernel::named_place::check_place;
use crate::kernel::signal_payload::{CheckedSignal, check_signal};
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, Snapshot};
use crate::records::{Actor, Annotation, StageRecord, Status, action};
use crate::value::{Json, RunId, StageKey};

/// Sends a signal to a stage that waits for one: its payload becomes the stage's output. If the stage does not wait yet, its
/// wait takes the signal when it begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignalRun {
    /// The run.
    #[serde(alias = "workflow_run_id")]
    pub run_id: RunId,
    /// The stage.
    #[serde(rename = "stage_id")]
    pub stage_key: StageKey,
    /// The payload, of the stage's output type.
    pub payload: Json,
    /// Who sends it, for people. Default: the actor of the command.
    #[serde(default)]
    pub actor: Option<String>,
    /// The idempotency key. The same key with the same request signals once; see [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The signal is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SignalRunOutput {}

#[derive(Serialize)]
struct Request<'a>(RunId, &'a StageKey, &'a Json);

/// The longest name of an actor, in bytes.
const MAX_ACTOR_BYTES: usize = 255;

impl SignalRun {
    /// Creates a command without an actor and without an idempotency key.
    #[must_use]
    pub fn new(run_id: RunId, stage_key: impl Into<StageKey>, payload: Json) -> Self {
        Self { run_id, stage_key: stage_key.into(), payload, actor: None, idempotency_key: None }
    }

    async fn signal(self, kernel: &Kernel, by: Option<&Actor>) -> Result<SignalRunOutput, Error> {
        let Self { run_id, stage_key, payload, actor, idempotency_key } = self;
        let actor = actor.or_else(|| by.map(|by| by.name.clone()));
        if actor.as_ref().is_some_and(|name| {
            name.is_empty() || name.len() > MAX_ACTOR_BYTES || name.chars().any(char::is_control)
        }) {
            return Err(Error::invalid_request(format!(
                "the actor of a signal must have 1 to {MAX_ACTOR_BYTES} bytes and no control characters"
            )));
        }
        let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let CheckedSignal { stage_name, payload } =
            check_signal(kernel, &run, &stage_key.id, &payload).await?;
        check_place(kernel, run_id, &stage_key).await?;
        let output = SignalRunOutput {};
        let request = Request(run_id, &stage_key, &payload);
        let entry = |key: &String| idempotency::entry(Self::NAME, key, &request, &output);
        let entry = idempotency_key.as_ref().map(entry).transpose()?;
        // Also after the stage has taken the signal.
        if let Some(entry) = &entry
            && let Some(output) = idempotency::stored_output(kernel, run_id, entry).await?
        {
            return Ok(output);
        }
        let signal =
            Change::Signal { stage_key: stage_key.clone(), stage_name, payload, actor: actor.clone() };
        let action = by.map(|by| action("signal", &json!({ "actor": actor }), by));
        let (stage, key) = (stage_key.clone(), entry.clone());
        let decide =
            move |snapshot: &Snapshot| decide(snapshot, &stage, &signal, action.as_ref(), key.as_ref());
        match try_commit_from_snapshot(kernel, run_id, decide).await? {
            Commit::Applied(_) => Ok(output),
            Commit::Duplicate { request_hash, result } => match entry {
                Some(entry) => idempotency::first_output(&entry, &request_hash, &result),
                None => Ok(output),
            },
            Commit::PreconditionFailed => Err(refusal(kernel, run_id, &stage_key).await?),
        }
    }
}

#[async_trait]
impl Command for SignalRun {
    type Output = SignalRunOutput;
    const NAME: &'static str = "run.signal";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `NOT_A_SIGNAL_STAGE`, `INVALID_SIGNAL` and the codes of payloads that cannot be
    /// stored; `SIGNAL_TOO_LATE`, `RUN_OVER`, `TOO_MANY_SIGNALS`, `IDEMPOTENCY_CONFLICT`; `WORKFLOW_NOT_FOUND` or
    /// `DEFINITION_MISMATCH` where neither this process nor the store has the run's definition.
    async fn execute(self, kernel: &Kernel) -> Result<SignalRunOutput, Error> {
        self.signal(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<SignalRunOutput, Error> {
        self.signal(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

/// The store compares the queue: a second signal to a stage that waits, or one too many, is refused there.
fn decide(
    snapshot: &Snapshot,
    stage_key: &StageKey,
    signal: &Change,
    action: Option<&Annotation>,
    idempotency: Option<&IdempotencyEntry>,
) -> Option<Decision> {
    let stage = snapshot.stage(stage_key);
    if snapshot.run.status.is_terminal() || stage.is_some_and(|stage| stage.status.is_terminal()) {
        return None;
    }
    let mut changes = vec![signal.clone()];
    let annotate = |annotation| Change::Annotate { stage_key: Some(stage_key.clone()), annotation };
    changes.extend(action.cloned().map(annotate));
    let decision = decision_at(snapshot, SignalRun::NAME, changes);
    Some(Decision { idempotency: idempotency.cloned(), ..decision })
}

/// Returns why the stage takes no signal any more.
async fn refusal(kernel: &Kernel, run_id: RunId, stage_key: &StageKey) -> Result<Error, Error> {
    let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let stage = kernel.store().stage(run_id, stage_key).await?;
    let status = stage.map(|stage: StageRecord| stage.status);
    let why = match status {
        Some(Status::Completed) => {
            let signals = kernel.store().signals(run_id, Some(stage_key)).await?;
            let first = signals.into_iter().rfind(|signal| signal.consumed_at.is_some());
            let actor = first.and_then(|signal| signal.actor);
            return Ok(Error::signal_too_late(run_id, stage_key, SignalTooLate::Answered(actor.as_deref())));
        }
        Some(Status::Skipped) => SignalTooLate::Skipped,
        Some(Status::Failed) => SignalTooLate::Failed,
        _ => return Ok(Error::run_over(run_id, stage_key, run.status)),
    };
    Ok(Error::signal_too_late(run_id, stage_key, why))
}
