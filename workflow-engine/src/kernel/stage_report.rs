//! `stage.report`: log lines and progress of a body that runs somewhere else than in this process.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::attempt_log::CAPACITY;
use super::command::Command;
use crate::error::Error;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::Lease;
use crate::records::LogLevel;
use crate::value::Json;
use crate::value::limits::truncate;

/// Commits what a body says while it runs, at once and under its lease. Nothing else of the run is touched: whoever
/// commits an outcome at the same time is not disturbed. It does not renew the lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportStage {
    /// The lease under which the body runs, as its claim has answered it.
    pub lease: Lease,
    /// How far it is.
    #[serde(default)]
    pub progress: Option<ReportedProgress>,
    /// Log lines, in order; at most 10,000.
    #[serde(default)]
    pub logs: Vec<ReportedLog>,
}

/// How far a body is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedProgress {
    /// `0.0..=1.0`.
    pub fraction: f64,
    /// For people; cut after 16 KiB.
    #[serde(default)]
    pub message: String,
}

/// A log line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedLog {
    /// Its severity.
    pub level: LogLevel,
    /// What it says; cut after 16 KiB.
    pub message: String,
    /// Anything that belongs to it; not kept beyond 64 KiB.
    #[serde(default = "Json::null")]
    pub fields: Json,
}

/// The report is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReportStageOutput {}

#[async_trait]
impl Command for ReportStage {
    type Output = ReportStageOutput;
    const NAME: &'static str = "stage.report";

    /// # Errors
    /// `LEASE_LOST`: nobody waits for what the body does, and it should stop. `INVALID_REQUEST` when the fraction is
    /// none, or there are too many lines.
    async fn execute(self, kernel: &Kernel) -> Result<ReportStageOutput, Error> {
        let Self { lease, progress, logs } = self;
        if logs.len() > CAPACITY {
            let count = logs.len();
            return Err(Error::invalid_request(format!(
                "a report has at most {CAPACITY} log lines, and not {count}"
            )));
        }
        let stage_id = || lease.stage_id.clone();
        let mut changes: Vec<Change> = logs
            .into_iter()
            .map(|ReportedLog { level, message, fields }| Change::Log {
                stage_id: stage_id(),
                level,
                message: truncate::message(&message),
                fields: truncate::fields(fields),
            })
            .collect();
        if let Some(ReportedProgress { fraction, message }) = progress {
            if !(0.0..=1.0).contains(&fraction) {
                return Err(Error::invalid_request(format!(
                    "progress is a fraction from 0 to 1, and not {fraction}"
                )));
            }
            changes.push(Change::Progress {
                stage_id: stage_id(),
                fraction,
                message: truncate::message(&message),
            });
        }
        let (run_id, precondition) = (lease.run_id, Precondition::Lease(lease.clone()));
        match kernel
            .store()
            .commit(Decision { run_id, precondition: precondition, idempotency: None, changes })
            .await?
        {
            Commit::Applied(_) => Ok(ReportStageOutput {}),
            Commit::PreconditionFailed | Commit::Duplicate { .. } => {
                Err(Error::lease_lost(run_id, &lease.stage_id))
            }
        }
    }
}
