//! The failure of an attempt, and its wait for a budget where a call would have exceeded one.

use super::context::AttemptContext;
use super::execution_key;
use super::finish::{commit_outcome, fail_attempt, fail_with_code};
use super::ledger::RefusedCall;
use super::outcome::{Finished, JobOutcome};
use crate::context::StageError;
use crate::definition::OverBudget;
use crate::error::{Error, ErrorCode};
use crate::ports::Change;
use crate::value::limits::truncate;

/// Commits a failed attempt. Where a budget refused its newest call, a retry does not help: as the stage declares, it
/// fails for good or waits until the budget is raised.
pub(super) async fn fail(
    attempt: &AttemptContext<'_>,
    error: StageError,
    refused_call: Option<RefusedCall>,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    let Some(refused) = refused_call else { return fail_attempt(attempt, error, reports).await };
    let mut message = error.message().to_owned();
    if !message.contains(&refused.error) {
        message = format!("{message}: {}", refused.error);
    }
    match attempt.stage.over_budget {
        OverBudget::Fail => {
            let error = StageError::permanent(message);
            fail_with_code(attempt, ErrorCode::BudgetExceeded, error, reports).await
        }
        OverBudget::Wait => await_budget(attempt, &message, &refused, reports).await,
    }
}

async fn await_budget(
    attempt: &AttemptContext<'_>,
    message: &str,
    refused: &RefusedCall,
    reports: Vec<Change>,
) -> Result<Finished, Error> {
    let AttemptContext { kernel, stage, job, .. } = *attempt;
    let error = truncate::error_text(message);
    let mut changes = reports;
    changes.push(Change::AwaitBudget {
        stage_key: attempt.job.lease.stage_key.clone(),
        error: error.clone(),
        reserve: refused.reserve,
        budget: stage.budget,
    });
    let outcome = JobOutcome::Failed { error, retryable: true };
    changes.extend(execution_key::completion(job, &outcome));
    Ok(match commit_outcome(kernel, &job.lease, changes).await? {
        Some(_) => Finished::with(outcome),
        None => Finished::superseded(kernel, &job.lease).await,
    })
}
