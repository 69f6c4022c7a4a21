//! Claiming jobs, and keeping them.

use std::cmp::{Ordering, Reverse};
use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::of_definitions::{self, of_definitions};
use super::own_row::OwnRow;
use super::persistence::count;
use super::session::Session;
use super::work::{ClaimJobs, RenewLeases};
use crate::id::RunId;
use crate::records::Lease;
use crate::stores::claiming::Candidate;
use crate::stores::instant;

/// Due jobs of one definition, the most urgent first. The joins are in the order of the index, so that the statement
/// stops at its limit.
macro_rules! due_jobs {
    ($definition:literal) => {
        concat!(
            "SELECT j.workflow_run_id, j.stage_id, j.generation, j.priority, j.run_at
            FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'PENDING' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation"
        )
    };
}

/// Due checks of stages that wait, the longest overdue first. They have an index of their own, so that a hundred
/// thousand runs that wait cost a claim nothing. Among them no priority counts.
macro_rules! due_checks {
    ($definition:literal) => {
        concat!(
            "SELECT j.workflow_run_id, j.stage_id, j.generation, 0 AS priority, j.run_at
            FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation"
        )
    };
}

const DUE_JOBS: &str = of_definitions!(due_jobs, " ORDER BY 4 DESC, 5, 1, 2 LIMIT ?10");

const DUE_CHECKS: &str = of_definitions!(due_checks, " ORDER BY 5, 1, 2 LIMIT ?10");

const RENEW: &str = "
    UPDATE job_queue SET leased_until = ?2
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1
        AND status = 'RUNNING' AND generation = n.value ->> 2 AND lease_epoch = n.value ->> 3
    RETURNING workflow_run_id, stage_id, generation, lease_epoch";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DUE_JOBS, DUE_CHECKS, RENEW];

/// Reads which jobs may be claimed, and adds them to those that claims of this transaction are about to take; the ones
/// that are taken already are not among them.
pub(super) fn candidates(
    session: &Session,
    claim: &ClaimJobs,
    now: DateTime<Utc>,
    taken: &mut HashSet<(RunId, String)>,
) -> Result<Vec<Candidate>, Failure> {
    let ClaimJobs { definitions, max, .. } = claim;
    let limit = max.saturating_add(taken.len());
    let mut candidates = Vec::new();
    for statement in [DUE_JOBS, DUE_CHECKS] {
        if candidates.len() >= *max {
            break;
        }
        let mut due = Vec::new();
        for handful in of_definitions::handfuls(definitions) {
            let rows = session.fetch("claim jobs", statement, |arguments| {
                for definition in handful {
                    arguments.maybe_text(definition);
                }
                arguments.instant(now).int(count(limit));
            })?;
            for row in &rows {
                due.push(Due::read(row)?);
            }
        }
        for Due { candidate, .. } in of_definitions::merge(due, limit, Due::order) {
            let key = (candidate.run_id, candidate.stage_id.clone());
            if candidates.len() < *max && taken.insert(key) {
                candidates.push(candidate);
            }
        }
    }
    Ok(candidates)
}

/// A candidate with its place in the queue.
struct Due {
    candidate: Candidate,
    priority: i64,
    run_at: i64,
}

impl Due {
    fn read(row: &OwnRow) -> Result<Self, Failure> {
        let mut columns = Columns::new(row, "job_queue", 0);
        let candidate = Candidate {
            run_id: columns.run_id("workflow_run_id")?,
            stage_id: columns.get("stage_id")?,
            generation: columns.int("generation")?,
        };
        Ok(Self { candidate, priority: columns.get("priority")?, run_at: columns.get("run_at")? })
    }

    fn order(&self, other: &Self) -> Ordering {
        let place = |due: &Self| (Reverse(due.priority), due.run_at, due.candidate.run_id);
        let stages = self.candidate.stage_id.cmp(&other.candidate.stage_id);
        place(self).cmp(&place(other)).then(stages)
    }
}

/// Extends leases, and answers those that are lost.
pub(super) fn renew(
    session: &Session,
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
    let rows = session.fetch("renew leases", RENEW, |arguments| {
        arguments.text(&leases.finish()).instant(until);
    })?;
    let mut held = HashSet::new();
    for row in &rows {
        let mut columns = Columns::new(row, "job_queue", 0);
        held.insert(Lease {
            run_id: columns.run_id("workflow_run_id")?,
            stage_id: columns.get("stage_id")?,
            generation: columns.int("generation")?,
            epoch: columns.int("lease_epoch")?,
        });
    }
    Ok(renewal.leases.iter().filter(|lease| !held.contains(*lease)).cloned().collect())
}
