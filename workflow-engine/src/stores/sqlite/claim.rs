//! Claims work, and renews leases.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::arguments::count;
use super::cells::OwnedRow;
use super::columns::{Columns, record};
use super::definition_queries::{self, per_definition};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::ports::ClaimRequest;
use crate::records::{Claimant, Lease, RunRecord};
use crate::stores::candidates::{Candidate, Selection};
use crate::stores::fair_order::{FairOrder, QueueEntry};
use crate::stores::implicit::entry_start;
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, RowList, WriteColumns, run_columns};
use crate::value::{RunId, StageKey};

/// The first due jobs of one definition, the highest priority first. It finds each occurring priority through the index,
/// and of each only the jobs that are due, so a hundred thousand jobs that wait for their instant cost a claim nothing.
/// Without an `ORDER BY`, which would sort the due jobs of all priorities: the joins follow the order of the priorities
/// and then that of the index, and the statement stops at its limit.
///
/// Each `CASE` ties a condition on a table to the table before it. A condition on one table alone makes SQLite build a
/// Bloom filter of that table, for which it reads all waiting jobs, once `ANALYZE` was executed on the file.
macro_rules! due_jobs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                WITH RECURSIVE priorities (priority) AS (
                    SELECT (SELECT q.priority FROM {prefix}job_queue AS q
                        WHERE q.status = 'PENDING' AND q.definition_fingerprint = ",
            $definition,
            "           ORDER BY q.priority DESC LIMIT 1)
                    UNION ALL
                    SELECT (SELECT q.priority FROM {prefix}job_queue AS q
                        WHERE q.status = 'PENDING' AND q.definition_fingerprint = ",
            $definition,
            "           AND q.priority < p.priority ORDER BY q.priority DESC LIMIT 1)
                    FROM priorities AS p WHERE p.priority IS NOT NULL
                )
                SELECT j.definition_fingerprint, j.priority, j.run_at, j.workflow_run_id, j.stage_id, j.place, j.generation
                FROM priorities AS p CROSS JOIN {prefix}job_queue AS j CROSS JOIN {prefix}runs AS r
                    ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.definition_fingerprint = ",
            $definition,
            " AND j.priority = p.priority AND j.run_at <= ?9
                    AND CASE p.priority WHEN j.priority THEN j.attempt < j.max_attempts END
                    AND CASE j.generation WHEN r.generation THEN r.status = 'RUNNING' END
                LIMIT ?10)"
        )
    };
}

/// The first due checks of suspended stages, the longest overdue first. They have their own index, so that a hundred
/// thousand suspended runs cost a claim nothing. Priorities do not count in it.
macro_rules! due_checks {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT j.definition_fingerprint, ?11, j.run_at, j.workflow_run_id, j.stage_id, j.place, j.generation
                FROM {prefix}job_queue AS j CROSS JOIN {prefix}runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                    AND CASE j.generation WHEN r.generation THEN r.status = 'RUNNING' END
                ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT ?10)"
        )
    };
}

/// The first runs to start of one definition.
macro_rules! pending_runs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (
                SELECT ",
            run_columns!(flat_row),
            " FROM {prefix}runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NULL AND r.definition_fingerprint = ",
            $definition,
            " ORDER BY r.priority DESC, r.created_at, r.id LIMIT ?9)"
        )
    };
}

const DUE_JOBS: &str = per_definition!(due_jobs, "");

const DUE_CHECKS: &str = per_definition!(due_checks, "");

const PENDING_RUNS: &str = per_definition!(pending_runs, "");

const RENEW: &str = "
    UPDATE {prefix}job_queue SET leased_until = ?2, due_written_at = ?3
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND stage_id = n.value ->> 1 AND place = n.value ->> 2
        AND status = 'RUNNING' AND generation = n.value ->> 3 AND lease_epoch = n.value ->> 4
    RETURNING workflow_run_id, stage_id, place, generation, lease_epoch";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DUE_JOBS, DUE_CHECKS, PENDING_RUNS, RENEW];

/// Reads the first entries of each definition and selects those that the claim takes. `taken` has the entries that other
/// claims of this transaction have selected, a run with an empty key. The claim skips them and adds its own.
pub(super) fn select(
    session: &Session,
    work: &ClaimRequest,
    now: DateTime<Utc>,
    taken: &mut HashSet<(RunId, StageKey)>,
) -> Result<Selection, Failure> {
    let order = FairOrder::new(&work.definitions, &work.recently_served);
    // One more than the claim takes, for the priority of the remaining work.
    let limit = work.limit.saturating_add(taken.len()).saturating_add(1);
    let mut entries = Vec::new();
    for chunk in definition_queries::chunks(order.definitions()) {
        for statement in [DUE_JOBS, DUE_CHECKS] {
            let rows = session.fetch("claim jobs", statement, |arguments| {
                for definition in chunk {
                    arguments.maybe_text(definition);
                }
                arguments.instant(now).int(count(limit));
                if statement == DUE_CHECKS {
                    arguments.int(Claimant::DEFAULT_PRIORITY);
                }
            })?;
            for row in &rows {
                entries.extend(job_entry(row, &order)?);
            }
        }
        if work.runs {
            session.prepare("read runs to start", PENDING_RUNS).read(
                |arguments| {
                    for definition in chunk {
                        arguments.maybe_text(definition);
                    }
                    arguments.int(count(limit));
                },
                |row| {
                    let run = record(row)?;
                    entries.extend(QueueEntry::run(&order, run, |run| Found::Run(Box::new(run))));
                    Ok(())
                },
            )?;
        }
    }
    let mut selection = Selection::default();
    for entry in order.sort(entries, limit) {
        if selection.jobs.len() + selection.runs.len() >= work.limit {
            selection.remaining_priority = Some(entry.priority);
            break;
        }
        if !taken.insert((entry.run_id, entry.stage_key.clone())) {
            continue;
        }
        match entry.item {
            Found::Run(run) => selection.runs.push(*run),
            Found::Job(generation) => {
                let QueueEntry { run_id, stage_key, .. } = entry;
                selection.jobs.push(Candidate { run_id, stage_key, generation });
            }
        }
    }
    Ok(selection)
}

/// The item of a queue entry.
enum Found {
    /// A job of this generation.
    Job(u32),
    Run(Box<RunRecord>),
}

fn job_entry(row: &OwnedRow, order: &FairOrder<'_>) -> Result<Option<QueueEntry<Found>>, Failure> {
    let mut columns = Columns::new(row, "workflow_job_queue", 0);
    let Some(position) = order.position(&columns.text("definition_fingerprint")?) else { return Ok(None) };
    Ok(Some(QueueEntry {
        position,
        priority: columns.int("priority")?,
        is_run: false,
        since: columns.instant("run_at")?,
        run_id: columns.run_id()?,
        stage_key: columns.stage_key()?,
        item: Found::Job(columns.int("generation")?),
    }))
}

/// Returns leases as rows, each with the start of its entry in the run.
pub(super) fn named(leases: &[Lease]) -> String {
    let mut rows = JsonRows::default();
    for lease in leases {
        rows.push(|row| {
            row.run_id(lease.run_id).stage_key(&lease.stage_key).int(lease.generation).int(lease.epoch);
            row.text(&entry_start(&lease.stage_key));
        });
    }
    rows.finish()
}

/// Extends leases, and returns the lost ones.
pub(super) fn renew(
    session: &Session,
    leases: &[Lease],
    lease: Duration,
    now: DateTime<Utc>,
) -> Result<Vec<Lease>, Failure> {
    let until = instant::after(now, lease);
    let rows = session.fetch("renew leases", RENEW, |arguments| {
        arguments.text(&named(leases)).instant(until).instant(now);
    })?;
    let mut held = HashSet::new();
    for row in &rows {
        let mut columns = Columns::new(row, "workflow_job_queue", 0);
        held.insert(Lease {
            run_id: columns.run_id()?,
            stage_key: columns.stage_key()?,
            generation: columns.int("generation")?,
            epoch: columns.int("lease_epoch")?,
        });
    }
    Ok(leases.iter().filter(|lease| !held.contains(*lease)).cloned().collect())
}
