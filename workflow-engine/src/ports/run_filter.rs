//! A filter for runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::language::Workflow;
use crate::records::{Phase, RunRecord, Status, WaitingFor};
use crate::value::RunId;

/// Selects runs: those that match every condition that is set. Without a condition it selects every run.
///
/// ```
/// use workflow_engine::{RunFilter, Status};
///
/// let failed = RunFilter::new().statuses([Status::Failed, Status::Cancelled]);
/// let of_acme = RunFilter::new().workflow_id("invoice").tag("customer", "acme");
/// # let _ = (failed, of_acme);
/// ```
///
/// As JSON it is an object of the same fields, all optional: `{"statuses":["FAILED"],"tags":{"customer":"acme"}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct RunFilter {
    /// The statuses, any of them; empty for every status.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// The id of the workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// The tags, all of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The earliest instant of the run's creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_since: Option<DateTime<Utc>>,
    /// The instant before which the run was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_before: Option<DateTime<Utc>>,
    /// The fingerprint of the definition with which the run was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The code of the error with which the run failed, `STAGE_FAILED` for example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The code of the reason why the run cannot continue: `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH`,
    /// `BUDGET_EXCEEDED` or `NOT_DUE`. A store ignores this condition: it depends on the definitions of a process, and
    /// [`Engine::runs`](crate::Engine::runs) checks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_reason: Option<String>,
    /// The run that has started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// What the run does now. A store ignores this condition and the following ones, which
    /// [`Engine::runs`](crate::Engine::runs) checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What the run, or one of its stages, waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<WaitingFor>,
    /// The idempotency key with which the run was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The beginning of the run's id: hexadecimal digits, with or without hyphens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^(?:-*[0-9a-fA-F]){1,32}-*$"))]
    pub id_prefix: Option<String>,
}

impl RunFilter {
    /// Creates a filter without conditions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects runs of this workflow.
    pub fn workflow<W: Workflow>(self) -> Self {
        self.workflow_id(W::definition().id.clone())
    }

    /// Selects runs of the workflow with this id.
    pub fn workflow_id(mut self, workflow_id: impl Into<String>) -> Self {
        self.workflow_id = Some(workflow_id.into());
        self
    }

    /// Selects runs of this status, or of another one that the filter selects already.
    pub fn status(mut self, status: Status) -> Self {
        self.statuses.push(status);
        self
    }

    /// Selects runs of one of these statuses, or of another one that the filter selects already.
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = Status>) -> Self {
        self.statuses.extend(statuses);
        self
    }

    /// Selects runs that have not ended: `PENDING` and `RUNNING`.
    pub fn unfinished(self) -> Self {
        self.statuses([Status::Pending, Status::Running])
    }

    /// Selects runs that were started with this tag. Of several tags, a run needs all.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Selects runs that were created at this instant or later.
    pub const fn created_since(mut self, instant: DateTime<Utc>) -> Self {
        self.created_since = Some(instant);
        self
    }

    /// Selects runs that were created before this instant.
    pub const fn created_before(mut self, instant: DateTime<Utc>) -> Self {
        self.created_before = Some(instant);
        self
    }

    /// Selects runs that were created with the definition of this fingerprint.
    pub fn definition(mut self, fingerprint: impl Into<String>) -> Self {
        self.definition = Some(fingerprint.into());
        self
    }

    /// Selects runs that failed with the error of this code. It takes an [`ErrorCode`](crate::ErrorCode) or its text.
    pub fn error_code(mut self, code: impl AsRef<str>) -> Self {
        self.error_code = Some(code.as_ref().to_owned());
        self
    }

    /// Selects unfinished runs that cannot continue for the reason of this code, as far as this process can tell: see
    /// [`AnyRun::blocked_reason`](crate::AnyRun::blocked_reason).
    pub fn blocked_reason(mut self, code: impl AsRef<str>) -> Self {
        self.blocked_reason = Some(code.as_ref().to_owned());
        self
    }

    /// Selects runs that this run has started: its children.
    pub const fn parent(mut self, parent: RunId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Selects runs of this phase.
    pub const fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// Selects unfinished runs that wait for this, or of which a stage does.
    pub const fn waiting_for(mut self, waiting_for: WaitingFor) -> Self {
        self.waiting_for = Some(waiting_for);
        self
    }

    /// Selects the run that was started with this idempotency key.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Selects runs whose ids begin with these hexadecimal digits; hyphens do not matter. The id of a run begins with the
    /// time of its creation.
    pub fn id_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.id_prefix = Some(prefix.into());
        self
    }

    /// Returns whether a run with these tags matches, as far as a store checks it: apart from `blocked_reason`, `phase` and
    /// the conditions after it.
    #[must_use]
    pub fn admits(&self, run: &RunRecord, tags: &BTreeMap<String, String>) -> bool {
        let is = |wanted: &Option<String>, text: Option<&str>| wanted.is_none() || wanted.as_deref() == text;
        (self.statuses.is_empty() || self.statuses.contains(&run.status))
            && is(&self.workflow_id, Some(&run.workflow_id))
            && is(&self.definition, Some(&run.definition_fingerprint))
            && is(&self.error_code, run.error.as_ref().map(|error| error.code.as_str()))
            && self.parent.is_none_or(|parent| run.parent.as_ref().is_some_and(|link| link.run_id == parent))
            && self.created_since.is_none_or(|since| run.created_at >= since)
            && self.created_before.is_none_or(|before| run.created_at < before)
            && self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }
}
