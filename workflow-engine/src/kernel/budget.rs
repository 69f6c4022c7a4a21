//! An attempt that ends because a call would have cost more than may be spent.

use super::Kernel;
use super::calls::Refused;
use super::execute::{Finished, JobOutcome};
use super::idempotent_execute::answer;
use crate::context::StageError;
use crate::definition::{OverBudget, StageDefinition};
use crate::error::{Error, ErrorCode};
use crate::ports::Change;
use crate::records::ClaimedJob;
use crate::value::limits::truncate;

impl Kernel {
    /// Commits a failed attempt. Where its newest call was refused no retry helps: the stage fails for good, or waits
    /// until its budget is raised, as it declares.
    pub(super) async fn attempt_failed(
        &self,
        stage: &StageDefinition,
        job: &ClaimedJob,
        error: StageError,
        refused: Option<Refused>,
        reports: Vec<Change>,
    ) -> Result<Finished, Error> {
        let Some(refused) = refused else { return self.fail_attempt(stage, job, error, reports).await };
        let mut message = error.message().to_owned();
        if !message.contains(&refused.error) {
            message = format!("{message}: {}", refused.error);
        }
        match stage.over_budget {
            OverBudget::Fail => {
                let error = StageError::permanent(message);
                self.fail_attempt_as(ErrorCode::BudgetExceeded, stage, job, error, reports).await
            }
            OverBudget::Wait => self.await_budget(stage, job, &message, &refused, reports).await,
        }
    }

    async fn await_budget(
        &self,
        stage: &StageDefinition,
        job: &ClaimedJob,
        message: &str,
        refused: &Refused,
        reports: Vec<Change>,
    ) -> Result<Finished, Error> {
        let error = truncate::error_text(message);
        let mut changes = reports;
        changes.push(Change::AwaitBudget {
            stage_id: stage.id.clone(),
            error: error.clone(),
            reserve: refused.reserve,
            budget: stage.budget,
        });
        let outcome = JobOutcome::Failed { error, retryable: true };
        changes.extend(answer(job, &outcome));
        Ok(match self.commit_outcome(&job.lease, changes).await? {
            Some(_) => Finished::with(outcome),
            None => Finished::ghost(&job.lease),
        })
    }
}
