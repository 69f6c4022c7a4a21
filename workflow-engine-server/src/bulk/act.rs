//! One step of an action on many runs.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use workflow_engine::{AnyRun, Cursor, Error, ErrorCode, RunId, Status};

use super::{BulkAction, Ticket};
use crate::app::App;
use crate::authorize::Caller;

/// The most runs of one step.
const MAX_RUNS: usize = 500;
/// Runs of one read.
const PAGE: usize = 100;
/// The time after which a step ends.
const TIME: Duration = Duration::from_secs(20);

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Line {
    /// What happened to a run.
    Run {
        /// The run.
        run_id: RunId,
        /// `done`, `skipped` where there was nothing to do, or the code of the refusal.
        outcome: String,
        /// The text of the refusal.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// The end of the step.
    End {
        /// The token for the rest: post it as this one. `null` if nothing is left.
        next: Option<String>,
    },
}

struct Step {
    app: App,
    caller: Caller,
    ticket: Ticket,
    runs: VecDeque<RunId>,
    /// How many runs the step has taken.
    taken: usize,
    begin: Instant,
    /// Whether the last page has been read.
    is_last: bool,
    has_ended: bool,
}

/// Acts on the next runs of a ticket, and tells what it did to each. It stops where the client stops reading.
pub(crate) fn perform(
    app: &App,
    caller: Caller,
    ticket: Ticket,
) -> impl Stream<Item = Result<Line, Error>> + use<> {
    #[allow(clippy::disallowed_methods, reason = "it bounds the step in real time")]
    let begin = Instant::now();
    let runs = VecDeque::from(ticket.ids.clone().unwrap_or_default());
    let is_last = ticket.ids.is_some();
    let app = app.clone();
    let step = Step { app, caller, ticket, runs, taken: 0, begin, is_last, has_ended: false };
    stream::try_unfold(step, |mut step| async move { Ok(step.next().await?.map(|line| (line, step))) })
}

impl Step {
    async fn next(&mut self) -> Result<Option<Line>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        loop {
            if let Some(run_id) = self.runs.pop_front() {
                self.taken += 1;
                return self.act(run_id).await.map(Some);
            }
            if self.is_last || self.taken >= MAX_RUNS || self.begin.elapsed() >= TIME {
                self.has_ended = true;
                let next = (!self.is_last).then(|| self.ticket.sign(&self.app));
                return Ok(Some(Line::End { next }));
            }
            self.read().await?;
        }
    }

    /// Reads the next page.
    async fn read(&mut self) -> Result<(), Error> {
        let runs = self.app.engine.runs(&self.ticket.filter).limit(PAGE);
        let after = self.ticket.after.as_deref().and_then(|after| after.parse::<Cursor>().ok());
        let page = match after {
            Some(after) => runs.after(after),
            None => runs,
        }
        .await?;
        self.ticket.after = page.next.as_ref().map(ToString::to_string);
        self.is_last = page.next.is_none();
        self.runs.extend(page.items.iter().filter(|run| self.ticket.admits(run)).map(|run| run.id));
        Ok(())
    }

    async fn act(&self, run_id: RunId) -> Result<Line, Error> {
        let (outcome, message) = match self.outcome(run_id).await {
            Ok(true) => ("done", None),
            Ok(false) => ("skipped", None),
            Err(error) if error.code() == ErrorCode::RunNotFound => ("skipped", None),
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => (error.code().as_str(), Some(error.to_string())),
        };
        Ok(Line::Run { run_id, outcome: outcome.to_owned(), message })
    }

    /// Acts on a run that is as it was at the preview. Returns whether there was something to do.
    async fn outcome(&self, run_id: RunId) -> Result<bool, Error> {
        let run = self.app.engine.any_run(run_id).await?.by(self.caller.actor());
        let record = run.record().await?;
        if !self.ticket.admits(&record) {
            return Ok(false);
        }
        match self.ticket.action {
            BulkAction::Cancel => run.cancel(self.ticket.reason.clone()).await,
            BulkAction::Rerun => Ok(record.status.is_terminal() && run.rerun_unfinished().await?),
            BulkAction::Wake => wake(&run).await,
        }
    }
}

async fn wake(run: &AnyRun) -> Result<bool, Error> {
    let mut woken = false;
    for stage in run.stages().await? {
        if stage.status == Status::Suspended {
            woken |= run.wake(stage.key()).await?;
        }
    }
    Ok(woken)
}
