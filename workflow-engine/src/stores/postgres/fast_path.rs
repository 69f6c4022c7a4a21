//! Commits in one statement, which is a transaction of its own.
//!
//! They are for decisions on runs whose rows this process knows, and for new runs, about which there is nothing to be
//! known. Such decisions are applied before anything is asked of the server. The statement locks the runs, compares
//! their `commits`, and writes nothing of those that have moved: their decisions, and all where anything else is in
//! doubt, go the way of all others, which reads what it needs under its locks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::committer::GRACE;
use super::database::Database;
use super::failure::Failure;
use super::row_cache::KnownRun;
use super::transaction::Transaction;
use super::work::Work;
use super::write;
use crate::failpoints::failpoint;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::stores::apply::apply;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

/// What has become of requests.
pub(super) struct Served {
    /// Those that are committed, and with a failure those that are given up or whose fate nobody knows.
    pub(super) answered: Vec<(Work, Option<Failure>)>,
    /// Those that have to go another way.
    pub(super) left: Vec<Work>,
}

/// What a statement is made of.
struct Prepared {
    set: WorkingSet,
    /// What is not lent to the set of the runs that are known.
    known: HashMap<RunId, KnownRun>,
    /// When the decisions were applied, by the database's clock; `None` where that of a test counts.
    now: Option<DateTime<Utc>>,
}

/// Commits what can be committed at once.
pub(super) async fn serve(database: &Database, works: Vec<Work>) -> Served {
    let mut served = Served { answered: Vec::new(), left: Vec::new() };
    let Some((mut prepared, works)) = prepare(database, works, &mut served.left) else { return served };
    match transact(database, &prepared, works.len()).await {
        Ok(Some(Wrote { step, stale })) => {
            let announcement = std::mem::take(&mut prepared.set.announcement);
            // What was known of them is wrong, and so is what was made of it.
            prepared.set.runs.retain(|run_id, _| !stale.contains(run_id));
            prepared.put_back(database, step);
            database.tell(&announcement);
            let is_stale = |work: &Work| work.run_id().is_some_and(|run_id| stale.contains(&run_id));
            let (left, written): (Vec<_>, _) = works.into_iter().partition(is_stale);
            served.answered.extend(written.into_iter().map(|work| (work, None)));
            served.left.extend(left);
        }
        Ok(None) => served.left.extend(works),
        // A database that is overloaded is so on every way.
        Err(failure) if failure.is_nobodys() && !failure.is_away() => {
            if failure.may_have_committed() {
                // With leases and all, and nobody will be told what it has brought about.
                database.hints.anything_may_have_changed();
            }
            served.answered.extend(works.into_iter().map(|work| (work, Some(failure.clone()))));
        }
        Err(failure) => {
            tracing::debug!(?failure, "a statement was refused; its requests go the usual way");
            served.left.extend(works);
        }
    }
    served
}

/// Applies the decisions that can be applied from what is known; the others are left.
fn prepare(database: &Database, works: Vec<Work>, left: &mut Vec<Work>) -> Option<(Prepared, Vec<Work>)> {
    let given = database.given_now();
    let Some(now) = given.or_else(|| database.clock_here.now()) else {
        left.extend(works);
        return None;
    };
    let (mut set, mut known, mut new) = (WorkingSet::default(), HashMap::new(), HashSet::new());
    for (run_id, footprint) in footprints(&works) {
        let Some(footprint) = footprint else { continue };
        if footprint.is_new {
            new.insert(run_id);
        } else if let Some(mut run) = database.known.take(run_id) {
            // Whatever voids a lease ends its calls, which has a statement of its own.
            let has_pending_calls = run.run().is_some_and(|run| run.spending.pending_calls > 0);
            if !has_pending_calls && let Some(rows) = run.lend(&footprint.stages) {
                set.runs.insert(run_id, rows);
                known.insert(run_id, run);
            } else {
                database.known.put(run_id, run);
            }
        }
    }
    let mut applied = Vec::with_capacity(works.len());
    for mut work in works {
        if let Work::Commit(ask) = &mut work
            && (set.runs.contains_key(&ask.input.run_id) || new.contains(&ask.input.run_id))
            && let Ok(outcome @ Commit::Applied(_)) = apply(&mut set, &ask.input, now)
        {
            ask.output = Some(Ok(outcome));
            applied.push(work);
        } else {
            left.push(work);
        }
    }
    if !set.attached.is_empty() {
        // What has been lent is not put back: it holds what nobody writes here.
        left.extend(applied);
        return None;
    }
    let prepared = Prepared { set, known, now: given.is_none().then_some(now) };
    if applied.is_empty() {
        // Nothing of it is touched.
        prepared.put_back(database, 0);
        return None;
    }
    Some((prepared, applied))
}

/// What the decisions on one run read.
#[derive(Default)]
struct Named {
    stages: BTreeSet<String>,
    /// The run is created by them.
    is_new: bool,
}

/// What is read of each run; `None` where one of the decisions on it reads more than its rows.
fn footprints(works: &[Work]) -> BTreeMap<RunId, Option<Named>> {
    let mut footprints: BTreeMap<RunId, Option<Named>> = BTreeMap::new();
    for work in works {
        let Work::Commit(ask) = work else { continue };
        let named = footprints.entry(ask.input.run_id).or_insert_with(|| Some(Named::default()));
        let Some(found) = named else { continue };
        if !needs_only_its_rows(&ask.input) {
            *named = None;
            continue;
        }
        found.is_new |= ask.input.precondition == Precondition::Absent;
        let mut footprint = Footprint::default();
        footprint.add(&ask.input);
        found.stages.extend(footprint.runs.into_values().flatten());
    }
    footprints
}

/// Whether it reads nothing but the rows of its run that are known, and writes nothing that has statements of its own.
/// A lease may have been renewed since, by which nobody moves `commits`; so whether it has run out is read.
fn needs_only_its_rows(decision: &Decision) -> bool {
    let reads_time = matches!(
        decision.precondition,
        Precondition::ExpiredLease(_) | Precondition::ExpiredLeaseAndRevision(..)
    );
    let has_its_own = |change: &Change| {
        matches!(
            change,
            Change::CompleteIdempotencyKey { .. }
                | Change::Execute { .. }
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
    !reads_time && !decision.changes.iter().any(has_its_own)
}

/// What a statement has written.
struct Wrote {
    /// By how much `commits` was moved.
    step: i64,
    /// The runs of which nothing is written, since others have moved them.
    stale: HashSet<RunId>,
}

/// Writes; `None` where nothing was written.
async fn transact(
    database: &Database,
    prepared: &Prepared,
    requests: usize,
) -> Result<Option<Wrote>, Failure> {
    let step = database.known.step();
    let (mut connection, is_alive) = database.recent_connection().await?;
    // A connection that rests may be gone, which would show only in the commit; and a pooler keeps one session only
    // within a transaction.
    let in_one_statement = is_alive && !database.behind_pooler;
    database.counters.transactions.fetch_add(1, Ordering::Relaxed);
    database.counters.requests.fetch_add(requests as u64, Ordering::Relaxed);
    let mut transaction = Transaction::new(database, &mut connection);
    let patience = database.transaction_timeout + GRACE;
    let running = tokio::time::timeout(patience, commit(&mut transaction, prepared, step, in_one_statement));
    let Ok(outcome) = running.await else { return Err(Failure::took_too_long("commit").in_the_commit()) };
    match outcome {
        Ok(stale) => {
            database.give_back(connection);
            Ok(stale.map(|stale| Wrote { step, stale }))
        }
        Err(failure) => {
            if failure.is_connection_lost() {
                database.forget_idle();
            } else if in_one_statement || transaction.roll_back().await {
                database.give_back(connection);
            }
            Err(failure)
        }
    }
}

async fn commit(
    transaction: &mut Transaction<'_>,
    prepared: &Prepared,
    step: i64,
    in_one_statement: bool,
) -> Result<Option<HashSet<RunId>>, Failure> {
    failpoint!("postgres: before a commit in one statement", Failure::injected("commit"));
    if !in_one_statement {
        transaction.begin().await?;
    }
    let stale = write::write_at_once(transaction, &prepared.set, step, prepared.now).await?;
    if !in_one_statement {
        transaction.commit().await?;
    }
    failpoint!("postgres: after a commit in one statement", Failure::injected("commit").in_the_commit());
    Ok(stale)
}

impl Prepared {
    /// Puts back what is known, of which that is stored now which the set holds.
    fn put_back(mut self, database: &Database, step: i64) {
        for (run_id, rows) in self.set.runs {
            let mut known = self.known.remove(&run_id).unwrap_or_default();
            known.take_back(rows, step);
            database.known.put(run_id, known);
        }
    }
}
