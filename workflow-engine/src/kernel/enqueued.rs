//! Runs that programs have enqueued in transactions of their own: the engine creates each, or refuses it as a `FAILED` run.

use futures_util::future::join_all;

use super::Kernel;
use super::commands::{Command, CreateRun};
use crate::error::Error;
use crate::ports::{Change, Decision, EnqueuedRun, NewRun, Precondition, RunEnd};
use crate::records::{Claimant, RunError, RunRequest};
use crate::value::{Json, RunId};

impl Kernel {
    /// Creates enqueued runs of the registered workflows, at most `limit`. Returns their number.
    pub(crate) async fn accept_enqueued(&self, limit: usize) -> Result<usize, Error> {
        let runs = self.store().enqueued_runs(&self.registry().workflow_ids(), limit).await?;
        let count = runs.len();
        // Together, so that they share commits.
        let accepted = join_all(runs.into_iter().map(|run| self.accept(run))).await;
        accepted.into_iter().collect::<Result<Vec<()>, Error>>()?;
        Ok(count)
    }

    /// Creates the run with this id if it is enqueued and its workflow is registered. Returns whether it is.
    pub(crate) async fn accept_enqueued_run(&self, run_id: RunId) -> Result<bool, Error> {
        let Some(run) = self.store().enqueued_run(run_id).await? else { return Ok(false) };
        let is_known = self.registry().for_new_run(&run.workflow_id, None).is_ok();
        if is_known {
            self.accept(run).await?;
        }
        Ok(is_known)
    }

    async fn accept(&self, run: EnqueuedRun) -> Result<(), Error> {
        let refusal = match serde_json::from_str::<CreateRun>(&run.command) {
            Ok(command) if command.workflow_id == run.workflow_id => {
                match command.create(self, run.run_id, true).await {
                    Ok(created) if created.run_id == run.run_id => return Ok(()),
                    Ok(created) => Error::invalid_request(format!(
                        "run `{}` was created with the same idempotency key before",
                        created.run_id
                    )),
                    Err(error) if is_refusal(&error) => error,
                    Err(error) => return Err(error),
                }
            }
            Ok(command) => Error::invalid_request(format!(
                "the request names workflow `{}`, and its row names `{}`",
                command.workflow_id, run.workflow_id
            )),
            Err(error) => Error::invalid_request(format!("the request cannot be read: {error}")),
        };
        self.refuse(run, &refusal).await
    }

    /// Creates a run that has failed with this reason.
    async fn refuse(&self, run: EnqueuedRun, reason: &Error) -> Result<(), Error> {
        let definition = self.registry().for_new_run(&run.workflow_id, None)?.definition();
        let error = RunError { code: reason.code().as_str().to_owned(), message: reason.to_string() };
        let changes = vec![
            Change::CreateRun(NewRun {
                workflow_id: definition.id.clone(),
                workflow_name: definition.name.clone(),
                definition_fingerprint: definition.fingerprint().to_owned(),
                priority: Claimant::DEFAULT_PRIORITY,
                request: self.readable_request(&run.command),
            }),
            Change::Dequeue,
            Change::EndRun(RunEnd::Failed(error)),
        ];
        let run_id = run.run_id;
        let decision = Decision {
            run_id,
            command: CreateRun::NAME,
            precondition: Precondition::Absent,
            idempotency: None,
            changes,
        };
        // If another process has created or refused it, nothing is left to do.
        self.store().commit(decision).await.map(drop)
    }

    /// Returns as much of a refused request as can be stored.
    fn readable_request(&self, command: &str) -> RunRequest {
        let limits = self.config().limits;
        let command = serde_json::from_str::<CreateRun>(command).ok();
        let (input, metadata) =
            command.map_or((None, None), |command| (Some(command.input), command.metadata));
        let storable = |json: &Json| limits.check(json).is_ok();
        RunRequest {
            input: input.filter(storable).unwrap_or_else(Json::null),
            config: Json::trusted("{}"),
            metadata: metadata.filter(storable),
        }
    }
}

/// Returns whether the error is about the request, so that the same request would fail again.
fn is_refusal(error: &Error) -> bool {
    !error.is_retryable() && (error.is_invalid_input() || error.is_conflict() || error.is_not_found())
}
