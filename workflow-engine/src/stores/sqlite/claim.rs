//! Claiming jobs, and keeping them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::columns::Columns;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use super::work::{ClaimJobs, RenewLeases};
use crate::id::RunId;
use crate::records::Lease;
use crate::stores::claiming::Candidate;
use crate::stores::instant;

/// Due jobs of the given definitions, the most urgent first. The joins are in the order of the index, so that the
/// statement stops at its limit.
const CANDIDATES: &str = "
    SELECT j.workflow_run_id, j.stage_id, j.generation
    FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
    WHERE j.status = 'PENDING' AND j.run_at <= ?2 AND j.attempt < j.max_attempts
        AND j.definition_fingerprint IN (SELECT value FROM jsonb_each(?1))
        AND r.status = 'RUNNING' AND r.generation = j.generation
    ORDER BY j.priority DESC, j.run_at, j.workflow_run_id, j.stage_id
    LIMIT ?3";

/// Due checks of stages that wait, the longest overdue first. They have an index of their own, so that a hundred
/// thousand runs that wait cost a claim nothing.
const DUE_CHECKS: &str = "
    SELECT j.workflow_run_id, j.stage_id, j.generation
    FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
    WHERE j.status = 'SUSPENDED' AND j.run_at <= ?2 AND j.attempt < j.max_attempts
        AND j.definition_fingerprint IN (SELECT value FROM jsonb_each(?1))
        AND r.status = 'RUNNING' AND r.generation = j.generation
    ORDER BY j.run_at, j.workflow_run_id, j.stage_id
    LIMIT ?3";

const RENEW: &str = "
    UPDATE job_queue SET leased_until = ?2
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1
        AND status = 'RUNNING' AND generation = n.value ->> 2 AND lease_epoch = n.value ->> 3
    RETURNING workflow_run_id, stage_id, generation, lease_epoch";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[CANDIDATES, DUE_CHECKS, RENEW];

/// Reads which jobs may be claimed, and adds them to those that claims of this transaction are about to take; the ones
/// that are taken already are not among them.
pub(super) async fn candidates(
    session: &mut Session,
    claim: &ClaimJobs,
    now: DateTime<Utc>,
    taken: &mut HashSet<(RunId, String)>,
) -> Result<Vec<Candidate>, Failure> {
    let ClaimJobs { definitions, max, .. } = claim;
    // An array of texts always has a JSON form.
    let names = serde_json::to_string(definitions).unwrap_or_default();
    let limit = i64::try_from(max.saturating_add(taken.len())).unwrap_or(i64::MAX);
    let mut candidates = Vec::new();
    for statement in [CANDIDATES, DUE_CHECKS] {
        if candidates.len() >= *max {
            break;
        }
        let query = sqlx::query(statement).bind(names.clone()).bind(now.timestamp_micros()).bind(limit);
        let rows = session.fetch("claim jobs", query).await?;
        take(&rows, *max, taken, &mut candidates)?;
    }
    Ok(candidates)
}

fn take(
    rows: &[SqliteRow],
    max: usize,
    taken: &mut HashSet<(RunId, String)>,
    candidates: &mut Vec<Candidate>,
) -> Result<(), Failure> {
    for row in rows {
        let mut columns = Columns::new(row, "job_queue", 0);
        let candidate = Candidate {
            run_id: columns.run_id("workflow_run_id")?,
            stage_id: columns.get("stage_id")?,
            generation: columns.int("generation")?,
        };
        let Candidate { run_id, stage_id, .. } = &candidate;
        if candidates.len() < max && taken.insert((*run_id, stage_id.clone())) {
            candidates.push(candidate);
        }
    }
    Ok(())
}

/// Extends leases, and answers those that are lost.
pub(super) async fn renew(
    session: &mut Session,
    renewal: &RenewLeases,
    now: DateTime<Utc>,
) -> Result<Vec<Lease>, Failure> {
    let mut leases = JsonRows::default();
    for lease in &renewal.leases {
        leases.push(|row| {
            row.plain(lease.run_id).text(&lease.stage_id).int(lease.generation).int(lease.epoch);
        });
    }
    let until = instant::after(now, renewal.lease);
    let query = sqlx::query(RENEW).bind(leases.finish()).bind(until.timestamp_micros());
    let mut held = HashSet::new();
    for row in session.fetch("renew leases", query).await? {
        let mut columns = Columns::new(&row, "job_queue", 0);
        held.insert(Lease {
            run_id: columns.run_id("workflow_run_id")?,
            stage_id: columns.get("stage_id")?,
            generation: columns.int("generation")?,
            epoch: columns.int("lease_epoch")?,
        });
    }
    Ok(renewal.leases.iter().filter(|lease| !held.contains(*lease)).cloned().collect())
}
