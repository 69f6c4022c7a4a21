//! Commits of decisions that carry statements of the user.
//!
//! Such a statement may wait for a lock of another session on the user's tables, for minutes. So these commits have
//! connections of their own, and take the engine's locks last: while a statement waits, the lease of its stage is
//! renewed, its run can be cancelled, and other stages commit.
//! 1. Read, without locks, whether the precondition holds. A worker that has lost its lease runs no statement.
//! 2. Run the statements, and check the constraints that they have deferred.
//! 3. Lock the rows of the decision, check the precondition again, write, and commit. Where the precondition no longer
//!    holds, everything is rolled back.
//!
//! A statement waits only briefly for a lock. Then its transaction is rolled back, which releases the locks that it
//! holds, and starts again after a pause: so two stages that take the same rows in opposite order end neither in a
//! deadlock nor in a long wait. Each further try waits twice as long, so the oldest wins; and within this process, the
//! decisions take turns (`contended_statements.rs`).
//!
//! So a decision whose rows are free waits for few others, however many wait for locks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::PostgresStore;
use super::batch::{Batch, RowSource};
use super::contended_statements::{self, Contended, ContendedStatements};
use super::database::Database;
use super::failure::Failure;
use super::load;
use super::options::PostgresOptions;
use super::transaction::{TIMEOUT_GRACE, Transaction};
use super::user_statements::run_statements;
use crate::error::Error;
use crate::failpoints::failpoint;
use crate::ports::{Commit, Decision};
use crate::stores::Closed;
use crate::stores::apply::{apply, holds};
use crate::stores::commit::{Backend, CommitFailure, MAX_ATTEMPTS};
use crate::stores::footprint::{Footprint, user_statements};
use crate::stores::refusal::Refusal;
use crate::stores::working_set::WorkingSet;
use crate::value::IdSet;

const ACTION: &str = "commit";

/// How long a statement waits for a lock in the first try: longer than commits of the engine hold one.
const FIRST_LOCK_TIMEOUT: Duration = Duration::from_millis(25);
/// The longest wait in one try: shorter than the time after which the server looks for a deadlock, one second, and
/// short enough for others that wait for the connection.
const MAX_LOCK_TIMEOUT: Duration = Duration::from_millis(200);
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// The state that these commits share.
pub(super) struct StatementCommits {
    /// One permit for each connection. Further tries leave one, if there is another, to decisions that have not waited yet.
    connections: Semaphore,
    contended: ContendedStatements,
    /// How long the statements of one decision may wait for locks.
    max_wait: Duration,
    tasks: TaskTracker,
    /// Cancelled when the store closes: no further try begins.
    closing: CancellationToken,
}

impl StatementCommits {
    pub(super) fn new(options: &PostgresOptions) -> Self {
        let connections = options.statement_connections.max(1) as usize;
        Self {
            connections: Semaphore::new(connections),
            contended: ContendedStatements::new(connections.saturating_sub(1).max(1)),
            max_wait: options.statement_lock_wait,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Waits for commits in progress. Those that wait for a lock end with an error.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl PostgresStore {
    /// Commits a decision with statements of the user. It runs on the store's own threads, so that a caller that stops
    /// waiting leaves no transaction half-way.
    pub(super) async fn commit_with_statements(&self, decision: Arc<Decision>) -> Result<Commit, Error> {
        let shared = Arc::clone(&self.statement_commits);
        if shared.closing.is_cancelled() {
            return Err(Error::store_unavailable(ACTION, Closed));
        }
        let (mut reply, result) = oneshot::channel();
        let database = Arc::clone(&self.database);
        let tasks = shared.tasks.clone();
        let task = async move {
            let commit = serve(&database, &shared, &decision, &mut reply).await;
            // An error means that the caller has stopped waiting.
            let _ = reply.send(commit);
        };
        tasks.spawn_on(task, self.runtime.handle());
        result.await.unwrap_or_else(|_| Err(Error::store_unavailable(ACTION, Closed)))
    }
}

/// Tries until the decision is committed, an error is final, or no one waits for it any more.
async fn serve(
    database: &Arc<Database>,
    shared: &StatementCommits,
    decision: &Decision,
    reply: &mut oneshot::Sender<Result<Commit, Error>>,
) -> Result<Commit, Error> {
    let began = Instant::now();
    let pauses = ExponentialBuilder::new().with_min_delay(MIN_PAUSE).with_max_delay(MAX_PAUSE);
    let mut pauses = pauses.with_jitter().without_max_times().build();
    let mut lock_timeout = FIRST_LOCK_TIMEOUT;
    let texts = contended_statements::texts(user_statements(decision));
    let (mut contended, mut conflicts, mut has_reconnected) = (None::<Contended<'_>>, 0, false);
    loop {
        let outcome = {
            let is_further = contended.is_some();
            let turn = async {
                match &mut contended {
                    Some(contended) => Some(contended.further_turn().await),
                    None => shared.contended.first_turn(&texts).await,
                }
            };
            // A decision that has not waited yet may have nothing to do with those that have.
            let longest =
                if is_further { shared.max_wait.saturating_sub(began.elapsed()) } else { FIRST_LOCK_TIMEOUT };
            let _turn = tokio::select! {
                turn = tokio::time::timeout(longest, turn) => turn.ok(),
                () = shared.closing.cancelled() => None,
                () = reply.closed() => None,
            };
            if is_further && (shared.closing.is_cancelled() || reply.is_closed()) {
                return Err(Error::store_unavailable(ACTION, Closed));
            }
            // Cannot fail: the semaphore is never closed.
            let _connection = shared.connections.acquire().await.ok();
            let left = shared.max_wait.saturating_sub(began.elapsed());
            // Shorter than the limit of a statement, which is not only for the wait.
            let longest = left.min(database.transaction_timeout / 2);
            transact(database, decision, lock_timeout.min(longest)).await
        };
        let failure = match outcome {
            Ok(commit) => return commit,
            Err(failure) => failure,
        };
        if failure.is_statement_blocked() {
            if began.elapsed() >= shared.max_wait {
                return Err(failure.waited_too_long(shared.max_wait));
            }
            contended.get_or_insert_with(|| shared.contended.note(&texts));
            lock_timeout = (lock_timeout * 2).min(MAX_LOCK_TIMEOUT);
            let ended = async {
                tokio::select! {
                    () = shared.closing.cancelled() => {}
                    () = reply.closed() => {}
                }
            };
            // An error means that the pause has passed.
            let _ = tokio::time::timeout(pauses.next().unwrap_or(MAX_PAUSE), ended).await;
        } else if failure.is_conflict() && conflicts < MAX_ATTEMPTS {
            conflicts += 1;
        } else if failure.is_disconnected() && !has_reconnected {
            // An idle connection may be gone, which shows only when it is used.
            has_reconnected = true;
        } else {
            return Err(failure.into());
        }
    }
}

async fn transact(
    database: &Arc<Database>,
    decision: &Decision,
    lock_timeout: Duration,
) -> Result<Result<Commit, Error>, Failure> {
    let connection = database.connection().await?;
    database.counters.transactions.fetch_add(1, Ordering::Relaxed);
    database.counters.requests.fetch_add(1, Ordering::Relaxed);
    let mut batch = Batch::new(Transaction::new(Arc::clone(database), connection), RowSource::Locked);
    let timeout = database.transaction_timeout + TIMEOUT_GRACE;
    let running = tokio::time::timeout(timeout, run(&mut batch, decision, lock_timeout));
    match running.await {
        Ok(Ok(commit @ Ok(Commit::Applied(_)))) => {
            batch.finish();
            Ok(commit)
        }
        // Nothing is to be written.
        Ok(Ok(refused)) => {
            if batch.transaction.roll_back().await.is_ok() {
                batch.transaction.release();
            }
            Ok(refused)
        }
        Ok(Err(failure)) => {
            batch.transaction.end_after(&failure).await;
            Err(failure)
        }
        Err(_) => {
            // Dropping the connection ends the transaction in every state.
            database.hints.everything_changed();
            Err(Failure::timed_out(ACTION).during_commit())
        }
    }
}

async fn run(
    batch: &mut Batch,
    decision: &Decision,
    lock_timeout: Duration,
) -> Result<Result<Commit, Error>, Failure> {
    let mut footprint = Footprint::default();
    footprint.add(decision);
    batch.transaction.begin().await?;
    let mut seen = WorkingSet::default();
    let now = load::read(&mut batch.transaction, &footprint, &mut seen).await?;
    if !holds(&decision.precondition, &seen, decision.run_id, batch.transaction.database.now(now)) {
        return Ok(Ok(Commit::PreconditionFailed));
    }

    batch.transaction.begin_user_statements(lock_timeout).await?;
    run_statements(&mut batch.transaction, user_statements(decision)).await?;
    let conflict = Refusal::deferred_conflict(user_statements(decision).flatten());
    batch.transaction.end_user_statements(conflict).await?;

    let now = batch.load(&footprint).await?;
    let outcome = apply(&mut batch.set, decision, now);
    if matches!(outcome, Ok(Commit::Applied(_))) {
        batch.write(&IdSet::from_iter([decision.run_id])).await?;
        failpoint!("postgres: before COMMIT", Failure::injected("commit").during_commit());
        batch.transaction.commit_user_statements(conflict).await?;
        failpoint!("postgres: after COMMIT", Failure::injected("commit").during_commit());
    }
    Ok(outcome)
}
