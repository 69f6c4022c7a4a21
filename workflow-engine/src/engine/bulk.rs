//! Actions on many runs, in bounded steps.

use serde::{Deserialize, Serialize};

use super::Engine;
use super::any_run::AnyRun;
use super::list::{List, Page};
use crate::error::{Error, ErrorCode};
use crate::ports::RunFilter;
use crate::records::{RunRecord, Status};
use crate::value::RunId;

/// What an action on many runs did to one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct BulkItem {
    /// The run.
    pub run_id: RunId,
    /// What happened.
    pub outcome: BulkOutcome,
}

/// What an action on many runs did to one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BulkOutcome {
    /// The action was taken.
    Done,
    /// There was nothing to do: the run had ended, or had not.
    Skipped,
    /// The action was refused.
    Refused {
        /// The code of the error.
        code: String,
        /// The text of the error.
        message: String,
    },
}

impl Engine {
    /// Cancels the runs that match, newest first: each page of the list is one step, which cancels the runs of that page
    /// and tells what it did. Without a status, the filter selects the runs that have not ended.
    ///
    /// A run that is started after the first step is not cancelled. Repeating a step does no harm.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use workflow_engine::{Engine, RunFilter};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").build().await?;
    /// let of_acme = RunFilter::new().tag("customer", "acme");
    /// let step = engine.cancel_runs(&of_acme, "the customer has left").limit(50).await?;
    /// println!("{} runs, more: {}", step.len(), step.next.is_some());
    ///
    /// let all: Vec<_> = engine.cancel_runs(&of_acme, "the customer has left").stream().try_collect().await?;
    /// # assert!(all.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Engine::runs`]. A refused run is an item and no error, unless the store is unavailable.
    pub fn cancel_runs(&self, filter: &RunFilter, reason: impl Into<String>) -> List<BulkItem> {
        let (filter, reason) = (filter.clone(), reason.into());
        let filter = if filter.statuses.is_empty() { filter.unfinished() } else { filter };
        self.bulk(&filter, move |run, _| {
            let reason = reason.clone();
            async move {
                Ok(if run.cancel(reason).await? { BulkOutcome::Done } else { BulkOutcome::Skipped })
            }
        })
    }

    /// Reruns the runs that match, newest first: each page of the list is one step, which reruns the runs of that page and
    /// tells what it did. Each run continues with its first stage that has neither completed nor been skipped. Without a
    /// status, the filter selects the runs that have failed.
    ///
    /// ```
    /// use workflow_engine::{Engine, ErrorCode, RunFilter};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").build().await?;
    /// let lost = RunFilter::new().error_code(ErrorCode::WorkerLost);
    /// engine.rerun_runs(&lost).limit(100).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Engine::runs`]. A refused run is an item and no error, unless the store is unavailable.
    pub fn rerun_runs(&self, filter: &RunFilter) -> List<BulkItem> {
        let filter = filter.clone();
        let filter = if filter.statuses.is_empty() { filter.status(Status::Failed) } else { filter };
        self.bulk(&filter, |run, record| async move {
            let is_rerun = record.status.is_terminal() && run.rerun_unfinished().await?;
            Ok(if is_rerun { BulkOutcome::Done } else { BulkOutcome::Skipped })
        })
    }

    /// Lists what `act` does to each run that matches.
    fn bulk<F>(
        &self,
        filter: &RunFilter,
        act: impl Fn(AnyRun, RunRecord) -> F + Clone + Send + Sync + 'static,
    ) -> List<BulkItem>
    where
        F: Future<Output = Result<BulkOutcome, Error>> + Send + 'static,
    {
        let (engine, filter) = (self.clone(), filter.clone());
        List::new(move |after, limit| {
            let (engine, filter, act) = (engine.clone(), filter.clone(), act.clone());
            async move {
                let runs = engine.runs(&filter).limit(limit);
                let page = match after {
                    Some(after) => runs.after(after),
                    None => runs,
                }
                .await?;
                let mut items = Vec::with_capacity(page.items.len());
                for record in page.items {
                    let run_id = record.id;
                    let outcome = match act(AnyRun::new(engine.clone(), run_id), record).await {
                        Ok(outcome) => outcome,
                        Err(error) if error.code() == ErrorCode::RunNotFound => BulkOutcome::Skipped,
                        Err(error) if error.is_retryable() => return Err(error),
                        Err(error) => BulkOutcome::Refused {
                            code: error.code().as_str().to_owned(),
                            message: error.to_string(),
                        },
                    };
                    items.push(BulkItem { run_id, outcome });
                }
                Ok(Page { items, next: page.next, searched_to: page.searched_to })
            }
        })
    }
}
