//! The fast path: commits by one statement, which is its own transaction.
//!
//! It serves decisions on runs whose rows are in the row cache, and on new runs, which have no rows to read. It applies
//! them in memory, before it sends anything to the server. The statement locks the runs, compares their `commits` with
//! the cached ones, and writes nothing of runs where they differ. Requests about those runs remain for the locking
//! path, which reads the rows under its locks; so does the whole batch where anything else is in doubt: a taken
//! idempotency key, or an instant that differs from the database's clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::database::Database;
use super::failure::Failure;
use super::row_cache::CachedRun;
use super::transaction::{TIMEOUT_GRACE, Transaction};
use super::work::Work;
use super::write;
use crate::failpoints::failpoint;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::stores::apply::apply;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

/// The outcome of a batch on this path.
pub(super) struct Served {
    /// Requests that are committed; with a failure, those that failed or whose commit has an unknown outcome.
    pub(super) finished: Vec<(Work, Option<Failure>)>,
    /// Requests for the locking path.
    pub(super) remaining: Vec<Work>,
}

/// The rows for one statement.
struct PreparedWrite {
    set: WorkingSet,
    /// Of the cached runs, the stages that are not lent to `set`.
    cached: HashMap<RunId, CachedRun>,
    /// When the decisions were applied, by the database's clock; `None` with the clock of a test.
    now: Option<DateTime<Utc>>,
}

/// Commits the requests that need no reads.
pub(super) async fn serve(database: &Database, works: Vec<Work>) -> Served {
    let mut served = Served { finished: Vec::new(), remaining: Vec::new() };
    let Some((mut prepared, works)) = prepare(database, works, &mut served.remaining) else { return served };
    match transact(database, &prepared, works.len()).await {
        Ok(Some(WriteOutcome { step, stale })) => {
            let announcement = std::mem::take(&mut prepared.set.notifications);
            // The cached rows of a stale run were wrong, and so are the decisions that were applied to them.
            prepared.set.runs.retain(|run_id, _| !stale.contains(run_id));
            prepared.return_to_cache(database, step);
            database.notify(&announcement);
            let is_stale = |work: &Work| work.run_id().is_some_and(|run_id| stale.contains(&run_id));
            let (remaining, written): (Vec<_>, _) = works.into_iter().partition(is_stale);
            served.finished.extend(written.into_iter().map(|work| (work, None)));
            served.remaining.extend(remaining);
        }
        Ok(None) => served.remaining.extend(works),
        // An overloaded database would fail the locking path as well, and a commit with an unknown outcome must not be
        // repeated. The cached rows of its runs are dropped.
        Err(failure) if failure.is_database_fault() && !failure.is_disconnected() => {
            if failure.may_have_committed() {
                // Leases may have begun of which no worker receives the claim.
                database.hints.everything_changed();
            }
            served.finished.extend(works.into_iter().map(|work| (work, Some(failure.clone()))));
        }
        Err(failure) => {
            tracing::debug!(
                ?failure,
                "a statement of the fast path failed; its requests take the locking path"
            );
            served.remaining.extend(works);
        }
    }
    served
}

/// Applies the decisions that can be applied to cached rows; adds the other requests to `remaining`.
fn prepare(
    database: &Database,
    works: Vec<Work>,
    remaining: &mut Vec<Work>,
) -> Option<(PreparedWrite, Vec<Work>)> {
    let test_now = database.test_now();
    let Some(now) = test_now.or_else(|| database.clock_estimate.now()) else {
        remaining.extend(works);
        return None;
    };
    let (mut set, mut cached, mut new) = (WorkingSet::default(), HashMap::new(), HashSet::new());
    for (run_id, footprint) in footprints(&works) {
        let Some(footprint) = footprint else { continue };
        if footprint.is_new {
            new.insert(run_id);
        } else if let Some(mut run) = database.row_cache.take(run_id) {
            // A decision that voids a lease also ends its pending calls of models, which takes a separate statement.
            let has_pending_calls = run.run().is_some_and(|run| run.spending.pending_calls > 0);
            if !has_pending_calls && let Some(rows) = run.lend(&footprint.stages) {
                set.runs.insert(run_id, rows);
                cached.insert(run_id, run);
            } else {
                database.row_cache.put(run_id, run);
            }
        }
    }
    let mut applied = Vec::with_capacity(works.len());
    for mut work in works {
        if let Work::Commit(request) = &mut work
            && (set.runs.contains_key(&request.input.run_id) || new.contains(&request.input.run_id))
            && let Ok(outcome @ Commit::Applied(_)) = apply(&mut set, &request.input, now)
        {
            request.output = Some(Ok(outcome));
            applied.push(work);
        } else {
            remaining.push(work);
        }
    }
    if !set.side_rows.is_empty() {
        // The lent rows do not return to the cache: they hold changes that this path does not write.
        remaining.extend(applied);
        return None;
    }
    let prepared = PreparedWrite { set, cached, now: test_now.is_none().then_some(now) };
    if applied.is_empty() {
        // No row has changed.
        prepared.return_to_cache(database, 0);
        return None;
    }
    Some((prepared, applied))
}

/// The rows of one run that its decisions read.
#[derive(Default)]
struct RunFootprint {
    stages: BTreeSet<String>,
    /// Whether one of the decisions creates the run.
    is_new: bool,
}

/// Returns the footprint of each run, or `None` where a decision on it reads more than the run's rows.
fn footprints(works: &[Work]) -> BTreeMap<RunId, Option<RunFootprint>> {
    let mut footprints: BTreeMap<RunId, Option<RunFootprint>> = BTreeMap::new();
    for work in works {
        let Work::Commit(request) = work else { continue };
        let entry = footprints.entry(request.input.run_id).or_insert_with(|| Some(RunFootprint::default()));
        let Some(run) = entry else { continue };
        if !uses_only_run_rows(&request.input) {
            *entry = None;
            continue;
        }
        run.is_new |= request.input.precondition == Precondition::Absent;
        let mut footprint = Footprint::default();
        footprint.add(&request.input);
        run.stages.extend(footprint.runs.into_values().flatten());
    }
    footprints
}

/// Returns whether a decision reads only the run's cached rows, and writes only rows of the one statement.
fn uses_only_run_rows(decision: &Decision) -> bool {
    // Renewing a lease leaves `commits` as it is, so only the job's row tells whether a lease has expired.
    let reads_expiry = matches!(
        decision.precondition,
        Precondition::ExpiredLease(_) | Precondition::ExpiredLeaseAndRevision(..)
    );
    let has_own_statement = |change: &Change| {
        matches!(
            change,
            Change::CompleteIdempotencyKey { .. }
                | Change::Execute { .. }
                | Change::Tag { .. }
                | Change::Annotate { .. }
                | Change::PutArtifact { .. }
                | Change::DeleteArtifact { .. }
                | Change::RecordMetrics { .. }
                | Change::ReserveCall { .. }
                | Change::SettleCall { .. }
                | Change::SetBudget { .. }
                | Change::AwaitBudget { .. }
                | Change::Resume { .. }
        )
    };
    !reads_expiry && !decision.changes.iter().any(has_own_statement)
}

/// The outcome of a statement that has committed.
struct WriteOutcome {
    /// By how much it has moved `commits`.
    step: i64,
    /// The runs that another transaction has changed, of which nothing is written.
    stale: HashSet<RunId>,
}

/// Writes and commits; returns `None` where nothing was written.
async fn transact(
    database: &Database,
    prepared: &PreparedWrite,
    requests: usize,
) -> Result<Option<WriteOutcome>, Failure> {
    let step = database.row_cache.commits_step();
    let (mut connection, is_recent) = database.recent_connection().await?;
    // With an idle connection that is lost, a single statement would fail as a commit with an unknown outcome, while a
    // failed `BEGIN` can be repeated. And behind a pooler only a transaction keeps preparing and running in one
    // session.
    let in_one_statement = is_recent && !database.sessions.are_shared();
    database.counters.transactions.fetch_add(1, Ordering::Relaxed);
    database.counters.requests.fetch_add(requests as u64, Ordering::Relaxed);
    let mut transaction = Transaction::new(database, &mut connection);
    let timeout = database.transaction_timeout + TIMEOUT_GRACE;
    let running = tokio::time::timeout(timeout, commit(&mut transaction, prepared, step, in_one_statement));
    let Ok(outcome) = running.await else { return Err(Failure::timed_out("commit").during_commit()) };
    match outcome {
        Ok(stale) => {
            database.release(connection);
            Ok(stale.map(|stale| WriteOutcome { step, stale }))
        }
        Err(failure) => {
            if failure.is_connection_lost() {
                database.note_lost(&failure);
            } else if in_one_statement || transaction.roll_back().await {
                database.release(connection);
            }
            Err(failure)
        }
    }
}

async fn commit(
    transaction: &mut Transaction<'_>,
    prepared: &PreparedWrite,
    step: i64,
    in_one_statement: bool,
) -> Result<Option<HashSet<RunId>>, Failure> {
    failpoint!("postgres: before a commit in one statement", Failure::injected("commit"));
    if !in_one_statement {
        transaction.begin().await?;
    }
    let stale = write::write_if_unchanged(transaction, &prepared.set, step, prepared.now).await?;
    if !in_one_statement {
        transaction.commit().await?;
    }
    failpoint!("postgres: after a commit in one statement", Failure::injected("commit").during_commit());
    Ok(stale)
}

impl PreparedWrite {
    /// Returns the runs to the cache, with the rows of `set` as they are stored now.
    fn return_to_cache(mut self, database: &Database, step: i64) {
        for (run_id, rows) in self.set.runs {
            let mut run = self.cached.remove(&run_id).unwrap_or_default();
            run.restore(rows, step);
            database.row_cache.put(run_id, run);
        }
    }
}
