//! Claiming jobs, and keeping them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::of_definitions::{self, of_definitions};
use super::own_row::OwnRow;
use super::persistence::count;
use super::rows::{self, RunRow, run_columns};
use super::session::Session;
use super::work::RenewLeases;
use crate::ports::ClaimRequest;
use crate::records::{Claimant, Lease, RunRecord};
use crate::stores::candidates::{Candidate, Selection};
use crate::stores::fair_order::{FairOrder, QueueEntry};
use crate::stores::instant;
use crate::value::RunId;

/// The first due jobs of one definition, the most urgent first. The joins are in the order of the index, so that it
/// stops at its limit.
macro_rules! due_jobs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT j.definition_fingerprint, j.priority, j.run_at, j.workflow_run_id, j.stage_id, j.generation
                FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.priority DESC, j.run_at, j.workflow_run_id, j.stage_id LIMIT ?10)"
        )
    };
}

/// The first due checks of stages that wait, the longest overdue first. They have an index of their own, so that a
/// hundred thousand runs that wait cost a claim nothing; in it no priority counts.
macro_rules! due_checks {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT j.definition_fingerprint, ?11, j.run_at, j.workflow_run_id, j.stage_id, j.generation
                FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at, j.workflow_run_id, j.stage_id LIMIT ?10)"
        )
    };
}

/// The first runs of one definition that nobody has started.
macro_rules! new_runs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT ",
            run_columns!(),
            " FROM workflow_runs AS r WHERE r.status = 'PENDING' AND r.definition_fingerprint = ",
            $definition,
            " ORDER BY r.priority DESC, r.created_at, r.id LIMIT ?9)"
        )
    };
}

const DUE_JOBS: &str = of_definitions!(due_jobs, "");

const DUE_CHECKS: &str = of_definitions!(due_checks, "");

const NEW_RUNS: &str = of_definitions!(new_runs, "");

const RENEW: &str = "
    UPDATE job_queue SET leased_until = ?2
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1
        AND status = 'RUNNING' AND generation = n.value ->> 2 AND lease_epoch = n.value ->> 3
    RETURNING workflow_run_id, stage_id, generation, lease_epoch";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DUE_JOBS, DUE_CHECKS, NEW_RUNS, RENEW];

/// Reads what waits, chooses what the claim takes, and adds that to what claims of this transaction are about to take;
/// the ones that are taken already are passed over. A run has no stage.
pub(super) fn choose(
    session: &Session,
    work: &ClaimRequest,
    now: DateTime<Utc>,
    taken: &mut HashSet<(RunId, String)>,
) -> Result<Selection, Failure> {
    let turns = FairOrder::new(&work.definitions, &work.recently_served);
    // One more than it takes, to see what it leaves.
    let limit = work.limit.saturating_add(taken.len()).saturating_add(1);
    let mut waiting = Vec::new();
    for handful in of_definitions::handfuls(turns.definitions()) {
        for statement in [DUE_JOBS, DUE_CHECKS] {
            let rows = session.fetch("claim jobs", statement, |arguments| {
                for definition in handful {
                    arguments.maybe_text(definition);
                }
                arguments.instant(now).int(count(limit));
                if statement == DUE_CHECKS {
                    arguments.int(Claimant::DEFAULT_PRIORITY);
                }
            })?;
            for row in &rows {
                waiting.extend(job(row, &turns)?);
            }
        }
        if work.runs {
            session.each("read runs to be started", NEW_RUNS).read(
                |arguments| {
                    for definition in handful {
                        arguments.maybe_text(definition);
                    }
                    arguments.int(count(limit));
                },
                |row| {
                    let run = rows::of::<RunRow<'_>>(row)?;
                    waiting.extend(QueueEntry::run(&turns, run, |run| Found::Run(Box::new(run))));
                    Ok(())
                },
            )?;
        }
    }
    let mut selection = Selection::default();
    for it in turns.order(waiting, limit) {
        if selection.jobs.len() + selection.runs.len() >= work.limit {
            selection.remaining_priority = Some(it.priority);
            break;
        }
        if !taken.insert((it.run_id, it.stage_id.clone())) {
            continue;
        }
        match it.what {
            Found::Run(run) => selection.runs.push(*run),
            Found::Job(generation) => {
                let QueueEntry { run_id, stage_id, .. } = it;
                selection.jobs.push(Candidate { run_id, stage_id, generation });
            }
        }
    }
    Ok(selection)
}

/// What a claim finds.
enum Found {
    /// Of this generation.
    Job(u32),
    Run(Box<RunRecord>),
}

fn job(row: &OwnRow, turns: &FairOrder<'_>) -> Result<Option<QueueEntry<Found>>, Failure> {
    let mut columns = Columns::new(row, "job_queue", 0);
    let Some(position) = turns.position(columns.get("definition_fingerprint")?) else { return Ok(None) };
    Ok(Some(QueueEntry {
        position,
        priority: columns.int("priority")?,
        is_new: false,
        since: columns.instant("run_at")?,
        run_id: columns.run_id("workflow_run_id")?,
        stage_id: columns.get("stage_id")?,
        what: Found::Job(columns.int("generation")?),
    }))
}

/// Leases as rows.
pub(super) fn named(leases: &[Lease]) -> String {
    let mut rows = JsonRows::default();
    for lease in leases {
        rows.push(|row| {
            row.plain(lease.run_id).text(&lease.stage_id).int(lease.generation).int(lease.epoch);
        });
    }
    rows.finish()
}

/// Extends leases, and answers those that are lost.
pub(super) fn renew(
    session: &Session,
    renewal: &RenewLeases,
    now: DateTime<Utc>,
) -> Result<Vec<Lease>, Failure> {
    let until = instant::after(now, renewal.lease);
    let rows = session.fetch("renew leases", RENEW, |arguments| {
        arguments.text(&named(&renewal.leases)).instant(until);
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
