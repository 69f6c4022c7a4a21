//! Finds runs that are stuck, and runs that no worker with the given definitions can claim.

use std::collections::BTreeSet;
use std::time::Duration;

use super::SqliteStore;
use super::arguments::count;
use super::columns::{Columns, commit_of};
use crate::error::Error;
use crate::stores::instant;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// The jobs `j` of the run `r` that are leased or will become claimable.
macro_rules! job_that_moves {
    () => {
        "SELECT 1 FROM {prefix}job_queue AS j
        WHERE j.workflow_run_id = r.id AND j.generation = r.generation AND (
            j.status = 'RUNNING' OR j.status IN ('PENDING', 'SUSPENDED') AND j.attempt < j.max_attempts)"
    };
}

/// Runs that lack a job; where the run has an owner, a stage without a row has one. The run's last event dates its last
/// progress: a change without an event leaves a job behind. The query is rare, so it may walk the index of all runs that
/// are not terminal.
const STUCK_RUNS: &str = concat!(
    "SELECT r.id FROM {prefix}runs AS r INDEXED BY {prefix}runs_unfinished
    WHERE r.completed_at IS NULL AND r.status = 'RUNNING'
        AND r.definition_fingerprint IN (SELECT value FROM jsonb_each(?1))
        AND NOT EXISTS (
            SELECT 1 FROM {prefix}commits AS c
            WHERE c.workflow_run_id = r.id AND c.occurred_at > ?2 AND c.sequence = ",
    commit_of!("r.id", "r.last_sequence"),
    ")
        AND (r.owner IS NULL AND NOT EXISTS (",
    job_that_moves!(),
    ") OR EXISTS (
            SELECT 1 FROM {prefix}stage_rows AS s
            WHERE s.workflow_run_id = r.id AND s.waiting_on = 0
                AND s.status IN ('PENDING', 'RUNNING', 'SUSPENDED')
                AND NOT EXISTS (",
    job_that_moves!(),
    " AND j.stage_id = s.stage_id AND j.place = s.place)))
    LIMIT ?3"
);

/// Runs that only a worker with another definition can start.
const UNCLAIMED_RUNS: &str = "
    SELECT * FROM (
        SELECT r.id FROM {prefix}runs AS r
        WHERE r.status = 'PENDING' AND r.due_at IS NULL AND r.created_at <= ?2
            AND r.definition_fingerprint NOT IN (SELECT value FROM jsonb_each(?1))
        LIMIT ?3)
    UNION ALL SELECT * FROM (
        SELECT r.id FROM {prefix}runs AS r
        WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.due_at <= ?2
            AND r.definition_fingerprint NOT IN (SELECT value FROM jsonb_each(?1))
        LIMIT ?3)";

/// Runs of jobs that only a worker with another definition can claim.
macro_rules! unclaimed_jobs {
    ($index:literal, $status:literal) => {
        concat!(
            "SELECT j.workflow_run_id FROM {prefix}job_queue AS j INDEXED BY ",
            $index,
            " WHERE j.status = ",
            $status,
            " AND j.definition_fingerprint NOT IN (SELECT value FROM jsonb_each(?1))
                AND j.run_at <= ?2 AND j.attempt < j.max_attempts
                AND NOT EXISTS (
                    SELECT 1 FROM {prefix}job_queue AS held
                    WHERE held.workflow_run_id = j.workflow_run_id AND held.status = 'RUNNING')
                AND NOT EXISTS (
                    SELECT 1 FROM {prefix}runs AS r WHERE r.id = j.workflow_run_id AND r.owner IS NOT NULL)
            LIMIT ?3"
        )
    };
}

const UNCLAIMED_JOBS: &str = unclaimed_jobs!("{prefix}job_queue_pending", "'PENDING'");

const UNCLAIMED_CHECKS: &str = unclaimed_jobs!("{prefix}job_queue_suspended", "'SUSPENDED'");

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[STUCK_RUNS, UNCLAIMED_RUNS, UNCLAIMED_JOBS, UNCLAIMED_CHECKS];

impl SqliteStore {
    pub(super) async fn read_stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read_runs("read stuck runs", STUCK_RUNS, definitions, idle_for, limit).await
    }

    pub(super) async fn read_unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let mut found = BTreeSet::new();
        for sql in [UNCLAIMED_RUNS, UNCLAIMED_JOBS, UNCLAIMED_CHECKS] {
            found.extend(self.read_runs("read unclaimed runs", sql, definitions, waiting_for, limit).await?);
        }
        Ok(found.into_iter().take(limit).collect())
    }

    async fn read_runs(
        &self,
        doing: &'static str,
        sql: &'static str,
        definitions: &[String],
        age: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        // An array of texts always has a JSON form.
        let names = serde_json::to_string(definitions).unwrap_or_default();
        let before = instant::before(instant::now(&*self.clock), age);
        let query = self.query(sql).bind(names).bind(before.timestamp_micros()).bind(count(limit));
        let rows = self.read(doing, query).await?;
        rows.iter().map(|row| Ok(Columns::new(row, "workflow_runs", 0).run_id()?)).collect()
    }
}
