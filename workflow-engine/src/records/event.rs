//! What happened in a run, in order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::value::{Json, RunId};

/// One event of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The run.
    pub run_id: RunId,
    /// 1, 2, 3, … without a gap, in the order of the commits.
    pub sequence: u64,
    /// When its commit was made.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened. The variant's stored name is in its documentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventKind {
    /// `workflow:created`: the run is stored.
    #[serde(rename = "workflow:created")]
    WorkflowCreated {
        /// The workflow's id.
        workflow_id: String,
    },
    /// `workflow:started`: its first stages are ready.
    #[serde(rename = "workflow:started")]
    WorkflowStarted {},
    /// `workflow:completed`: every stage has completed.
    #[serde(rename = "workflow:completed")]
    WorkflowCompleted {
        /// From the start of this generation, in milliseconds.
        duration_ms: u64,
        /// The output, where one stage delivers it and it is stored inline.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        output: Option<Json>,
    },
    /// `workflow:failed`: a stage failed for good, and the run with it.
    #[serde(rename = "workflow:failed")]
    WorkflowFailed {
        /// Stable: `STAGE_FAILED`, `WORKER_LOST`, …
        code: String,
        /// The stage's id and the text of its failure.
        error: String,
    },
    /// `workflow:cancelled`.
    #[serde(rename = "workflow:cancelled")]
    WorkflowCancelled {
        /// What `run.cancel` was told.
        reason: Option<String>,
    },
    /// `stage:started`: a worker has claimed it.
    #[serde(rename = "stage:started")]
    StageStarted {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
        /// 1-based position in reading order.
        stage_number: u32,
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// `stage:progress`: what the body says of itself.
    #[serde(rename = "stage:progress")]
    StageProgress {
        /// The stage.
        stage_id: String,
        /// `0.0..=1.0`.
        fraction: f64,
        /// For people.
        message: String,
    },
    /// `stage:suspended`: its ticket is committed, and it waits for something outside.
    #[serde(rename = "stage:suspended")]
    StageSuspended {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
        /// Until the first check, in milliseconds.
        next_check_ms: u64,
    },
    /// `workflow:suspended`: nothing of the run can go on, and at least one stage waits for something outside.
    #[serde(rename = "workflow:suspended")]
    WorkflowSuspended {
        /// The stage that this commit suspended; `None` where it completed the last stage that still ran beside one
        /// that waits.
        stage_id: Option<String>,
    },
    /// `stage:completed`: its output is committed.
    #[serde(rename = "stage:completed")]
    StageCompleted {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
        /// How long the body ran, in milliseconds.
        duration_ms: u64,
    },
    /// `stage:retrying`: an attempt failed and another will follow.
    #[serde(rename = "stage:retrying")]
    StageRetrying {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        error: String,
        /// How long the engine waits before the next attempt, in milliseconds.
        delay_ms: u64,
    },
    /// `stage:failed`: it failed for good.
    #[serde(rename = "stage:failed")]
    StageFailed {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        error: String,
    },
    /// `stage:cancelled`: its run ended before it did.
    #[serde(rename = "stage:cancelled")]
    StageCancelled {
        /// The stage.
        stage_id: String,
        /// For people.
        stage_name: String,
    },
    /// `annotation:created`: an attribute of an annotation that asked for it.
    #[serde(rename = "annotation:created")]
    AnnotationCreated {
        /// The stage that it is about, or that made it.
        stage_id: Option<String>,
        /// Its name.
        key: String,
        /// Its value.
        value: Json,
        /// Who says so.
        actor: Option<String>,
        /// Where it counts.
        scope: Option<String>,
    },
}

/// A field that is there, even where its value is `null`: the output of a stage that delivers `()` is one.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl EventKind {
    /// The stored name, `stage:completed` for example.
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
            Self::WorkflowSuspended { .. } => "workflow:suspended",
            Self::StageCompleted { .. } => "stage:completed",
            Self::StageRetrying { .. } => "stage:retrying",
            Self::StageFailed { .. } => "stage:failed",
            Self::StageCancelled { .. } => "stage:cancelled",
            Self::AnnotationCreated { .. } => "annotation:created",
        }
    }

    /// Whether the run is over with it.
    #[must_use]
    pub const fn ends_run(&self) -> bool {
        matches!(
            self,
            Self::WorkflowCompleted { .. } | Self::WorkflowFailed { .. } | Self::WorkflowCancelled { .. }
        )
    }

    /// The fields as JSON, without the name, which has a column of its own.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "a store in SQL alone needs it"))]
    pub(crate) fn payload(&self) -> Result<String, serde_json::Error> {
        // serde writes `{"name":{fields}}`. The tag stays outside the fields because an output is raw JSON, which
        // serde's inner tags cannot read back.
        let text = serde_json::to_string(self)?;
        Ok(text[self.name().len() + 4..text.len() - 1].to_owned())
    }

    /// Reads back what [`EventKind::payload`] wrote.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "a store in SQL alone needs it"))]
    pub(crate) fn from_stored(name: &str, payload: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&format!("{{\"{name}\":{payload}}}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_from_its_name_and_payload() {
        let output = Json::parse(r#"{"a":[1,2,340282366920938463463374607431768211455]}"#).unwrap();
        let kinds = [
            EventKind::WorkflowStarted {},
            EventKind::WorkflowCompleted { duration_ms: 5, output: Some(output) },
            EventKind::WorkflowCompleted { duration_ms: 5, output: Some(Json::null()) },
            EventKind::WorkflowCompleted { duration_ms: 5, output: None },
            EventKind::AnnotationCreated {
                stage_id: None,
                key: "review.outcome".into(),
                value: Json::null(),
                actor: Some("ada".into()),
                scope: None,
            },
            EventKind::StageFailed {
                stage_id: "a".into(),
                stage_name: "A".into(),
                attempt: 3,
                error: "no \"way\"\n".into(),
            },
        ];
        for kind in kinds {
            let payload = kind.payload().unwrap();
            assert_eq!(EventKind::from_stored(kind.name(), &payload).unwrap(), kind);
        }
    }
}
