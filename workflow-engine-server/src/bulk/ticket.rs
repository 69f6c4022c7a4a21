//! What a previewed action is allowed to do.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::RunRecord;
use workflow_engine::{RunFilter, RunId, Status};

use crate::app::App;
use crate::authorize::Caller;

/// How long a ticket is valid.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const PURPOSE: &str = "bulk";

/// What happens to each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BulkAction {
    /// The run is cancelled. Without a status, the filter selects the runs that have not ended.
    Cancel,
    /// The run continues with its first stage that has neither completed nor been skipped. Without a status, the filter
    /// selects the runs that have failed.
    Rerun,
    /// Its waiting stages are checked now. Without a status, the filter selects the runs that have not ended.
    Wake,
}

impl BulkAction {
    /// Adds the statuses that the action is about, if the filter has none.
    pub(crate) fn complete(self, filter: RunFilter) -> RunFilter {
        match self {
            _ if !filter.statuses.is_empty() => filter,
            Self::Cancel | Self::Wake => filter.unfinished(),
            Self::Rerun => filter.status(Status::Failed),
        }
    }
}

/// An action that was previewed. The client keeps it, signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// The caller of the preview.
    pub(crate) by: String,
    pub(crate) action: BulkAction,
    /// The runs; the filter holds only runs that were created before the preview.
    pub(crate) filter: RunFilter,
    /// The runs by id instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<Vec<RunId>>,
    pub(crate) reason: String,
    /// The instant of the preview.
    pub(crate) at: DateTime<Utc>,
    /// The newest run of the preview.
    pub(crate) newest: Option<RunId>,
    /// The instant at which the ticket expires.
    until: DateTime<Utc>,
    /// Where the next step begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

impl Ticket {
    pub(crate) fn new(
        app: &App,
        caller: &Caller,
        action: BulkAction,
        filter: RunFilter,
        reason: String,
        at: DateTime<Utc>,
    ) -> Self {
        let (by, until) = (caller.name.clone(), app.now() + LIFETIME);
        Self { by, action, filter, ids: None, reason, at, newest: None, until, after: None }
    }

    pub(crate) const fn until(&self) -> DateTime<Utc> {
        self.until
    }

    pub(crate) fn sign(&self, app: &App) -> String {
        app.signer.sign(PURPOSE, self)
    }

    /// Reads a ticket that is still valid.
    pub(crate) fn read(app: &App, text: &str) -> Option<Self> {
        let ticket: Self = app.signer.verify(PURPOSE, text)?;
        (ticket.until > app.now()).then_some(ticket)
    }

    /// Returns whether the run was part of the preview, in the state that it had then: it is not younger, and has neither
    /// ended nor been rerun since.
    pub(crate) fn admits(&self, run: &RunRecord) -> bool {
        let is_old = self.newest.is_none_or(|newest| run.id <= newest) && run.created_at <= self.at;
        let since = if run.status.is_terminal() {
            run.completed_at
        } else {
            run.started_at.filter(|_| run.generation > 1)
        };
        is_old && since.is_none_or(|since| since <= self.at)
    }
}
