//! `stage.report`: log lines and progress of a body that runs outside of this process.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::attempt::MAX_PENDING;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::{Lease, LogLevel};
use crate::value::Json;
use crate::value::limits::truncate;

/// Commits log lines and progress of a running body at once, under its lease. It changes nothing else of the run, so it
/// does not conflict with the commit of an outcome. It does not renew the lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportStage {
    /// The lease under which the body runs, as its claim returned it.
    pub lease: Lease,
    /// The progress.
    #[serde(default)]
    pub progress: Option<ReportedProgress>,
    /// The log lines, in order; at most 10,000.
    #[serde(default)]
    pub logs: Vec<ReportedLog>,
}

/// The progress of a body.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedProgress {
    /// The fraction that is done, `0.0..=1.0`.
    pub fraction: f64,
    /// A text for people; truncated after 16 KiB.
    #[serde(default)]
    pub message: String,
}

/// A log line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedLog {
    /// The severity.
    pub level: LogLevel,
    /// The text; truncated after 16 KiB.
    pub message: String,
    /// Structured data; not stored beyond 64 KiB.
    #[serde(default = "Json::null")]
    pub fields: Json,
    /// Whether the line is about the run as a whole and not about the stage.
    #[serde(default)]
    pub about_run: bool,
}

/// The report is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReportStageOutput {}

#[async_trait]
impl Command for ReportStage {
    type Output = ReportStageOutput;
    const NAME: &'static str = "stage.report";

    /// # Errors
    /// `LEASE_LOST`: the body's outcome can no longer be committed, so it should stop. `INVALID_REQUEST` when the
    /// fraction is out of range, or there are too many lines.
    async fn execute(self, kernel: &Kernel) -> Result<ReportStageOutput, Error> {
        let Self { lease, progress, logs } = self;
        if logs.len() > MAX_PENDING {
            let count = logs.len();
            return Err(Error::invalid_request(format!(
                "a report must have at most {MAX_PENDING} log lines, but it has {count}"
            )));
        }
        let stage_key = || lease.stage_key.clone();
        let mut changes: Vec<Change> = logs
            .into_iter()
            .map(|ReportedLog { level, message, fields, about_run }| Change::Log {
                stage_key: (!about_run).then(stage_key),
                level,
                message: truncate::message(&message),
                fields: truncate::fields(fields),
            })
            .collect();
        if let Some(ReportedProgress { fraction, message }) = progress {
            if !(0.0..=1.0).contains(&fraction) {
                return Err(Error::invalid_request(format!(
                    "progress must be a fraction from 0 to 1, but it is {fraction}"
                )));
            }
            changes.push(Change::Progress {
                stage_key: stage_key(),
                fraction,
                message: truncate::message(&message),
            });
        }
        let (run_id, precondition) = (lease.run_id, Precondition::Lease(lease.clone()));
        let decision = Decision { run_id, command: Self::NAME, precondition, idempotency: None, changes };
        match kernel.store().commit(decision).await? {
            Commit::Applied(_) => Ok(ReportStageOutput {}),
            Commit::PreconditionFailed | Commit::Duplicate { .. } => {
                Err(Error::lease_lost(run_id, &lease.stage_key))
            }
        }
    }
}
