//! Brings back instants that were written while the database's clock was ahead.
//!
//! A row that waits until an instant also has the instant at which that one was written. Where the latter lies in the
//! future, the clock was set back after the row was written, and the wait is too long by that distance. A row that was
//! written earlier keeps its instant.
//!
//! No index has these instants of writing, so that commits pay nothing for them. So the queue is read only when a store
//! was opened, and when an observation of the clock shows that it was set back (`clock.rs`).

#![allow(
    clippy::disallowed_methods,
    reason = "it waits for transactions on a server that other processes use as well, so it waits in real time"
)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use super::arrays::number;
use super::database::Database;
use super::failure::Failure;
use super::held::{READ_HELD, held_query, held_runs};
use super::queue::Queue;
use crate::error::Error;
use crate::stores::Closed;
use crate::stores::commit::{Request, Work};
use crate::stores::implicit::{LeaseEnd, Renewal};

pub(super) const ACTION: &str = "correct instants";

/// Smaller distances are no jump.
const LEAST_JUMP: TimeDelta = TimeDelta::seconds(1);
/// The number of runs or deliveries that one statement corrects.
const BATCH: usize = 1_000;
/// The time after which no transaction still writes with the earlier setting of the clock.
const LATE_WRITE: Duration = Duration::from_secs(5);
/// The pause after a pass that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Corrects the jobs and waits of up to $3 runs. It moves `commits` by $2, so that cached rows are read again. Smaller
/// distances than a second are no jump. A lease then lasts as long from now as it would have from its last renewal.
const CORRECT_JOBS: &str = "
    WITH clock AS MATERIALIZED (
        SELECT coalesce($1, clock_timestamp()) AS now, TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' AS never
    ),
    ahead AS MATERIALIZED (
        SELECT j.workflow_run_id AS id FROM {schema}.workflow_job_queue AS j, clock AS c
        WHERE j.due_written_at > c.now + interval '1 s' AND (
            j.status IN ('PENDING', 'SUSPENDED') AND j.run_at > c.now AND j.run_at < c.never
            OR j.status = 'RUNNING' AND j.leased_until > c.now AND j.leased_until < c.never)
        UNION
        SELECT j.workflow_run_id FROM {schema}.workflow_job_queue AS j
        JOIN {schema}.workflow_stage_rows AS s
            ON s.workflow_run_id = j.workflow_run_id AND s.stage_id = j.stage_id AND s.place = j.place,
            clock AS c
        WHERE j.status IN ('SUSPENDED', 'RUNNING') AND s.wait_written_at > c.now + interval '1 s'
            AND s.max_wait_until > c.now AND s.max_wait_until < c.never
        LIMIT $3
    ),
    locked AS MATERIALIZED (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.id IN (SELECT id FROM ahead) ORDER BY r.id FOR NO KEY UPDATE
    ),
    jobs AS (
        UPDATE {schema}.workflow_job_queue AS j
        SET run_at = CASE WHEN j.status <> 'RUNNING' AND j.run_at > c.now AND j.run_at < c.never
                THEN j.run_at - (j.due_written_at - c.now) ELSE j.run_at END,
            leased_until = CASE WHEN j.status = 'RUNNING' AND j.leased_until > c.now AND j.leased_until < c.never
                THEN j.leased_until - (j.due_written_at - c.now) ELSE j.leased_until END,
            due_written_at = c.now
        FROM locked AS l, clock AS c
        WHERE j.workflow_run_id = l.id AND j.due_written_at > c.now + interval '1 s'
        RETURNING 1
    ),
    waits AS (
        UPDATE {schema}.workflow_stage_rows AS s
        SET max_wait_until = s.max_wait_until - (s.wait_written_at - c.now), wait_written_at = c.now
        FROM locked AS l, clock AS c
        WHERE s.workflow_run_id = l.id AND s.wait_written_at > c.now + interval '1 s'
            AND s.max_wait_until > c.now AND s.max_wait_until < c.never
        RETURNING 1
    ),
    runs AS (
        UPDATE {schema}.workflow_runs AS r SET commits = r.commits + $2 FROM locked AS l WHERE r.id = l.id
    )
    SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM waits), (SELECT count(*) FROM locked)";

/// Corrects the starts and the deadlines of up to $3 runs, as [`CORRECT_JOBS`] does. The instant of writing of a start
/// lies its time before it, and a deadline that counts from the start moves with it.
const CORRECT_RUNS: &str = "
    WITH clock AS MATERIALIZED (
        SELECT coalesce($1, clock_timestamp()) AS now, TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' AS never
    ),
    ahead AS MATERIALIZED (
        (SELECT r.id, r.due_at - r.due_after * interval '1 microsecond' - c.now AS distance, TRUE AS is_to_start
        FROM {schema}.workflow_runs AS r, clock AS c
        WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.due_at > c.now AND r.due_at < c.never
            AND r.due_at - r.due_after * interval '1 microsecond' > c.now + interval '1 s')
        UNION ALL
        (SELECT r.id, r.deadline_at - r.deadline * interval '1 microsecond' - c.now, FALSE
        FROM {schema}.workflow_runs AS r, clock AS c
        WHERE r.completed_at IS NULL AND r.deadline_at IS NOT NULL AND r.deadline_at > c.now AND r.deadline_at < c.never
            AND (r.due_at IS NULL OR r.status <> 'PENDING')
            AND r.deadline_at - r.deadline * interval '1 microsecond' > c.now + interval '1 s')
        LIMIT $3
    ),
    locked AS MATERIALIZED (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.id IN (SELECT id FROM ahead) ORDER BY r.id FOR NO KEY UPDATE
    ),
    runs AS (
        UPDATE {schema}.workflow_runs AS r
        SET due_at = CASE WHEN a.is_to_start THEN r.due_at - a.distance ELSE r.due_at END,
            deadline_at = r.deadline_at - a.distance, commits = r.commits + $2
        FROM locked AS l JOIN ahead AS a ON a.id = l.id
        WHERE r.id = l.id AND r.completed_at IS NULL AND (r.status = 'PENDING' OR NOT a.is_to_start)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM locked)";

/// Corrects up to $2 deliveries, also those that a process holds.
const CORRECT_DELIVERIES: &str = "
    WITH clock AS MATERIALIZED (
        SELECT coalesce($1, clock_timestamp()) AS now, TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' AS never
    ),
    ahead AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter FROM {schema}.workflow_plugin_deliveries AS d, clock AS c
        WHERE d.dlq_at IS NULL AND d.due_written_at > c.now + interval '1 s' AND d.due_at > c.now AND d.due_at < c.never
        ORDER BY d.workflow_run_id, d.plugin, d.letter LIMIT $2 FOR NO KEY UPDATE OF d
    ),
    deliveries AS (
        UPDATE {schema}.workflow_plugin_deliveries AS d
        SET due_at = d.due_at - (d.due_written_at - c.now), due_written_at = c.now
        FROM ahead AS n, clock AS c
        WHERE d.workflow_run_id = n.workflow_run_id AND d.plugin = n.plugin AND d.letter = n.letter
        RETURNING 1
    )
    SELECT count(*), count(*) FROM deliveries";

/// Makes up to $2 schedules look for their next tick again that have moved while the clock was ahead. A tick is an instant of
/// the calendar and stays.
const CORRECT_SCHEDULES: &str = "
    WITH clock AS MATERIALIZED (
        SELECT coalesce($1, clock_timestamp()) AS now, TIMESTAMPTZ '9999-12-31 23:59:59.999999+00' AS never
    ),
    ahead AS MATERIALIZED (
        SELECT s.id FROM {schema}.workflow_schedules AS s, clock AS c
        WHERE s.due_at IS NOT NULL AND s.written_at > c.now + interval '1 s' AND s.due_at > c.now AND s.due_at < c.never
        ORDER BY s.id LIMIT $2 FOR NO KEY UPDATE OF s
    ),
    schedules AS (
        UPDATE {schema}.workflow_schedules AS s SET due_at = c.now, written_at = c.now, version = s.version + 1
        FROM ahead AS n, clock AS c WHERE s.id = n.id
        RETURNING 1
    )
    SELECT count(*), count(*) FROM schedules";

/// Corrects what has not been corrected since the store was opened, or since the clock was set back. Returns the number
/// of changed rows.
pub(super) async fn correct(database: &Arc<Database>, queue: &Queue) -> Result<usize, Error> {
    // The clock of a test is not observed.
    if database.test_now().is_none() && database.is_corrected.load(Ordering::SeqCst) {
        return Ok(0);
    }
    let corrected = correct_all(database, queue).await?;
    database.is_corrected.store(true, Ordering::SeqCst);
    Ok(corrected)
}

async fn correct_all(database: &Arc<Database>, queue: &Queue) -> Result<usize, Error> {
    let mut corrected = correct_held(database, queue).await?;
    for statement in [CORRECT_JOBS, CORRECT_RUNS] {
        loop {
            let step = database.commit_steps.draw();
            let (rows, runs) = execute(database, move |database| {
                database.query(statement).bind(database.test_now()).bind(step).bind(number(BATCH))
            })
            .await?;
            corrected += rows;
            if runs < BATCH {
                break;
            }
        }
    }
    for statement in [CORRECT_DELIVERIES, CORRECT_SCHEDULES] {
        loop {
            let (rows, _) = execute(database, move |database| {
                database.query(statement).bind(database.test_now()).bind(number(BATCH))
            })
            .await?;
            corrected += rows;
            if rows < BATCH {
                break;
            }
        }
    }
    Ok(corrected)
}

/// Gives the leases that have no rows, and were written while the clock was ahead, their rows and corrected ends.
async fn correct_held(database: &Arc<Database>, queue: &Queue) -> Result<usize, Error> {
    let (held, now) = held_runs(&database.fetch(READ_HELD, held_query).await?)?;
    let ahead = held.iter().flat_map(|held| held.leases_since(now + LEAST_JUMP));
    let renewal = Renewal { leases: ahead.collect(), end: LeaseEnd::Corrected(LEAST_JUMP) };
    let corrected = renewal.leases.len();
    if corrected > 0 {
        let (request, result) = Request::new(renewal);
        if !queue.push(Work::Renew(request)) {
            return Err(Error::store_unavailable(ACTION, Closed));
        }
        result.await.unwrap_or_else(|_| Err(Error::store_unavailable(ACTION, Closed)))?;
    }
    Ok(corrected)
}

/// Executes a correction; returns the two counts of its row. It may be repeated: what is corrected stays.
async fn execute(
    database: &Arc<Database>,
    make: impl Fn(&Database) -> super::arrays::PgQuery<'static> + Send,
) -> Result<(usize, usize), Failure> {
    let unreadable = |error| Failure::database(ACTION, error);
    let rows = database.fetch(ACTION, make).await?;
    let row = rows.first().ok_or_else(|| unreadable(sqlx::Error::RowNotFound))?;
    let count = |at| row.try_get::<i64, _>(at).map(|count| usize::try_from(count).unwrap_or_default());
    Ok((count(0).map_err(unreadable)?, count(1).map_err(unreadable)?))
}

/// Corrects the instants each time that the database's clock was set back, until the store is closed.
pub(super) async fn follow(database: Arc<Database>, queue: Arc<Queue>, stop: CancellationToken) {
    let follow = async {
        loop {
            database.clock_estimate.set_back().await;
            let mut corrected = correct_until_done(&database, &queue).await;
            tokio::time::sleep(LATE_WRITE).await;
            corrected += correct_until_done(&database, &queue).await;
            if corrected > 0 {
                tracing::warn!(
                    corrected,
                    "the clock of the database was set back; what was written while it was ahead is due after its own delay again"
                );
            }
        }
    };
    tokio::select! {
        () = follow => {}
        () = stop.cancelled() => {}
    }
}

async fn correct_until_done(database: &Arc<Database>, queue: &Queue) -> usize {
    loop {
        match correct_all(database, queue).await {
            Ok(corrected) => {
                // The loops of this process sleep until instants that they have read before.
                database.hints.everything_changed();
                return corrected;
            }
            Err(error) => {
                tracing::debug!(%error, "cannot correct instants after the clock was set back");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}
