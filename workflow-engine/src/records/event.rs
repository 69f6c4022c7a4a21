//! The events of a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::present_field::present;
use crate::value::{Cost, Json, Place, RunId, StageKey};

/// One event of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The run.
    pub run_id: RunId,
    /// The sequence number: 1, 2, 3, … without a gap, in the order of the commits. The commit assigns it.
    pub sequence: u64,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
    /// What caused the commit; the events of one commit have the same cause:
    ///
    /// - `{command}:{key}`, such as `run.create:order-7`, for a command with an idempotency key;
    /// - `{stage}/{generation}/{attempt}/{epoch}`, such as `charge/1/2/5` or `embed[17]/1/1/1`, for the outcome of an attempt, for its reports,
    ///   for its claim from the queue, and for the loss of its lease;
    /// - `{command}`, such as `run.cancel`, for any other command.
    pub causation_id: String,
    /// The kind of the event, with its fields.
    pub kind: EventKind,
}

/// The kind of an event, with its fields. Each variant's documentation begins with its stored name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventKind {
    /// `workflow:created`: the run is stored.
    #[serde(rename = "workflow:created")]
    WorkflowCreated {
        /// The workflow's id.
        workflow_id: String,
    },
    /// `workflow:started`: the run's first stages are ready.
    #[serde(rename = "workflow:started")]
    WorkflowStarted {},
    /// `workflow:completed`: every stage has completed.
    #[serde(rename = "workflow:completed")]
    WorkflowCompleted {
        /// The time since the start of this generation, in milliseconds.
        duration_ms: u64,
        /// The cost of the run's settled model calls so far, in all its generations together.
        #[serde(default, skip_serializing_if = "is_zero")]
        cost: Cost,
        /// The tokens of their prompts and responses.
        #[serde(default, skip_serializing_if = "is_zero")]
        tokens: u64,
        /// The output: of a workflow that ends in a group, an array with the outputs of its stages in their order. `None`
        /// if it is large; `output_stages` then says where it is.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        output: Option<Json>,
        /// The stages whose stored outputs are the run's output, in its order, if the output is too large for an event: one
        /// that is stored as a blob, a group with such an output, one of more than 64 KiB together, or one of more than 16
        /// stages. `RunHandle::output` reads them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        output_stages: Vec<String>,
    },
    /// `workflow:failed`: a stage failed and is not retried, and the run failed with it.
    #[serde(rename = "workflow:failed")]
    WorkflowFailed {
        /// The stable code: `STAGE_FAILED`, `WORKER_LOST`, …
        code: String,
        /// The stage's id and the text of its failure.
        error: String,
    },
    /// `workflow:cancelled`: the run was cancelled.
    #[serde(rename = "workflow:cancelled")]
    WorkflowCancelled {
        /// The reason that the caller of `run.cancel` gave.
        reason: Option<String>,
    },
    /// `stage:started`: a worker has claimed the stage.
    #[serde(rename = "stage:started")]
    StageStarted {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The 1-based position in reading order.
        stage_number: u32,
        /// The attempt; 1 for the first.
        attempt: u32,
        /// The number of the worker, once it has registered: see [`WorkerRecord`](super::WorkerRecord).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<u32>,
    },
    /// `stage:progress`: the body reports its progress.
    #[serde(rename = "stage:progress")]
    StageProgress {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The completed part, `0.0..=1.0`.
        fraction: f64,
        /// The message, for people.
        message: String,
    },
    /// `stage:suspended`: the stage's ticket is committed, and the stage waits for something outside.
    #[serde(rename = "stage:suspended")]
    StageSuspended {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The time until the first check, in milliseconds.
        next_check_ms: u64,
    },
    /// `stage:signalled`: the stage has received a signal. If it waits, its output follows; otherwise its next wait takes
    /// the signal.
    #[serde(rename = "stage:signalled")]
    StageSignalled {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// Who sent it, as far as the sender has said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
    },
    /// `workflow:suspended`: no stage of the run is ready or running, and at least one waits for something outside.
    #[serde(rename = "workflow:suspended")]
    WorkflowSuspended {
        /// The stage that this commit suspended; `None` where the commit completed the last running stage while another
        /// one was suspended.
        stage_id: Option<String>,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
    },
    /// `stage:completed`: the stage's output is committed.
    #[serde(rename = "stage:completed")]
    StageCompleted {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The time that the body ran, in milliseconds. Of a stage that waits: its body and its last check, without the wait.
        duration_ms: u64,
        /// The number of the arm that the output has chosen, from 0, if it is the stage of a `match`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arm: Option<u32>,
    },
    /// `stage:skipped`: the stage does not run, because it is in an arm that was not taken, or a stage before it failed in a
    /// `catch`.
    #[serde(rename = "stage:skipped")]
    StageSkipped {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The stage whose outcome has chosen another arm, or that failed in the `catch` around both.
        because: String,
    },
    /// `stage:retrying`: an attempt failed and will be retried.
    #[serde(rename = "stage:retrying")]
    StageRetrying {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The attempt that failed.
        attempt: u32,
        /// The reason.
        error: String,
        /// The time until the next attempt, in milliseconds.
        delay_ms: u64,
    },
    /// `stage:returned`: a job went back to the queue, and the attempt does not count: the next `stage:started` of the
    /// stage has the same number.
    #[serde(rename = "stage:returned")]
    StageReturned {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The attempt that does not count.
        attempt: u32,
        /// The reason, for people: the worker stops, a port is unavailable, …
        reason: String,
    },
    /// `stage:failed`: the stage failed and is not retried. `workflow:failed` follows, except in a `catch`.
    #[serde(rename = "stage:failed")]
    StageFailed {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
        /// The attempt that failed.
        attempt: u32,
        /// The reason.
        error: String,
    },
    /// `stage:cancelled`: the stage's run ended before the stage did, or another stage of its `catch` failed.
    #[serde(rename = "stage:cancelled")]
    StageCancelled {
        /// The stage.
        stage_id: String,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The stage's name, for people.
        stage_name: String,
    },
    /// `annotation:created`: an attribute of an annotation that requests events.
    #[serde(rename = "annotation:created")]
    AnnotationCreated {
        /// The stage that the annotation is about, or that made it.
        stage_id: Option<String>,
        /// The place of the stage in its run; empty outside of repeated parts.
        #[serde(default, skip_serializing_if = "Place::is_empty")]
        place: Place,
        /// The key of the attribute.
        key: String,
        /// The value of the attribute.
        value: Json,
        /// The author.
        actor: Option<String>,
        /// The scope.
        scope: Option<String>,
    },
}

/// Returns whether a field has its default, which is not stored.
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl EventKind {
    /// Returns the stored name, for example `stage:completed`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WorkflowCreated { .. } => "workflow:created",
            Self::WorkflowStarted {} => "workflow:started",
            Self::WorkflowCompleted { .. } => "workflow:completed",
            Self::WorkflowFailed { .. } => "workflow:failed",
            Self::WorkflowCancelled { .. } => "workflow:cancelled",
            Self::StageStarted { .. } => "stage:started",
            Self::StageProgress { .. } => "stage:progress",
            Self::StageSuspended { .. } => "stage:suspended",
            Self::StageSignalled { .. } => "stage:signalled",
            Self::WorkflowSuspended { .. } => "workflow:suspended",
            Self::StageCompleted { .. } => "stage:completed",
            Self::StageSkipped { .. } => "stage:skipped",
            Self::StageRetrying { .. } => "stage:retrying",
            Self::StageReturned { .. } => "stage:returned",
            Self::StageFailed { .. } => "stage:failed",
            Self::StageCancelled { .. } => "stage:cancelled",
            Self::AnnotationCreated { .. } => "annotation:created",
        }
    }

    /// Returns the stage that the event is about: `embed`, or `embed[17]` in a repeated part.
    #[must_use]
    pub fn stage_key(&self) -> Option<StageKey> {
        let (id, place) = match self {
            Self::StageStarted { stage_id, place, .. }
            | Self::StageProgress { stage_id, place, .. }
            | Self::StageSuspended { stage_id, place, .. }
            | Self::StageSignalled { stage_id, place, .. }
            | Self::StageCompleted { stage_id, place, .. }
            | Self::StageSkipped { stage_id, place, .. }
            | Self::StageRetrying { stage_id, place, .. }
            | Self::StageReturned { stage_id, place, .. }
            | Self::StageFailed { stage_id, place, .. }
            | Self::StageCancelled { stage_id, place, .. }
            | Self::WorkflowSuspended { stage_id: Some(stage_id), place }
            | Self::AnnotationCreated { stage_id: Some(stage_id), place, .. } => (stage_id, place),
            Self::WorkflowCreated { .. }
            | Self::WorkflowStarted {}
            | Self::WorkflowCompleted { .. }
            | Self::WorkflowFailed { .. }
            | Self::WorkflowCancelled { .. }
            | Self::WorkflowSuspended { stage_id: None, .. }
            | Self::AnnotationCreated { stage_id: None, .. } => return None,
        };
        Some(StageKey { id: id.clone(), place: place.clone() })
    }

    /// Returns whether the event ends the run.
    #[must_use]
    pub const fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::WorkflowCompleted { .. } | Self::WorkflowFailed { .. } | Self::WorkflowCancelled { .. }
        )
    }

    /// Appends the fields as JSON, without the name, which has its own column.
    pub(crate) fn write_payload(&self, into: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        // serde writes `{"name":{fields}}`. The tag stays outside the fields because an output is raw JSON, which
        // serde's inner tags cannot read back.
        let start = into.len();
        serde_json::to_writer(&mut *into, self)?;
        into.drain(start..start + self.name().len() + 4);
        into.pop();
        Ok(())
    }

    /// Returns the fields as JSON.
    pub(crate) fn payload(&self) -> Result<String, serde_json::Error> {
        let mut payload = Vec::new();
        self.write_payload(&mut payload)?;
        // serde writes UTF-8.
        Ok(String::from_utf8(payload).unwrap_or_default())
    }

    /// Reads an event from its name and the JSON that [`EventKind::payload`] returns.
    pub(crate) fn from_stored(name: &str, payload: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&format!("{{\"{name}\":{payload}}}"))
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
