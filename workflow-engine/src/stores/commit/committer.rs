//! The committer: serves a batch of requests, and decides what follows a failure.

use super::{Backend, CommitFailure, Work};

/// The most attempts at a request that conflicts with other transactions.
pub(in crate::stores) const MAX_ATTEMPTS: u32 = 20;

/// The most attempts that follow the loss of a connection before anything is written.
const MAX_RECONNECTS: u32 = 2;

type FailureOf<C> = <<C as Committer>::Backend as Backend>::Failure;
type WorkOf<C> = Work<<C as Committer>::Backend>;

/// A task or thread that commits.
pub(in crate::stores) trait Committer: Send {
    type Backend: Backend;

    /// How many attempts at a decision use rows that are not locked. Such rows may turn out to have changed; later
    /// attempts lock them first.
    const UNLOCKED_ATTEMPTS: u32;

    /// Serves the requests in one transaction, and commits it. `attempt` counts from 0.
    fn transact(
        &mut self,
        works: &mut [WorkOf<Self>],
        attempt: u32,
    ) -> impl Future<Output = Result<(), FailureOf<Self>>> + Send;

    /// Notes that requests are finished, before their results are sent. `remaining` are not.
    fn finish(&mut self, finished: &[WorkOf<Self>], remaining: &[WorkOf<Self>]);
}

/// Serves the requests together. Where one of them makes the transaction fail, serves each by itself. Returns the
/// failure that has ended requests because of the database.
pub(in crate::stores) async fn serve<C: Committer>(
    committer: &mut C,
    works: Vec<WorkOf<C>>,
) -> Result<(), FailureOf<C>> {
    // Only decisions can be repeated before their rows are locked.
    let attempt = if matches!(works.first(), Some(Work::Commit(_))) { 0 } else { C::UNLOCKED_ATTEMPTS };
    let Err((works, failure)) = commit(committer, works, attempt).await else { return Ok(()) };
    // No request is to blame for a database that is unavailable or busy: each of them would only wait again.
    if failure.is_database_fault() || works.len() == 1 && !failure.is_conflict() {
        return fail(committer, works, failure);
    }
    if works.len() > 1 {
        tracing::debug!(?failure, "a batch failed; each of its requests is served alone");
    }
    let mut outcome = Ok(());
    for work in works {
        outcome = serve_alone(committer, work).await.and(outcome);
    }
    outcome
}

async fn serve_alone<C: Committer>(committer: &mut C, work: WorkOf<C>) -> Result<(), FailureOf<C>> {
    let mut works = vec![work];
    let mut attempts = 0;
    loop {
        attempts += 1;
        match commit(committer, works, C::UNLOCKED_ATTEMPTS).await {
            Ok(()) => return Ok(()),
            Err((failed, failure)) if failure.is_conflict() && attempts < MAX_ATTEMPTS => works = failed,
            Err((failed, failure)) => return fail(committer, failed, failure),
        }
    }
}

/// Commits the requests, and replies to them. Decisions that were applied to changed rows are repeated. On failure,
/// returns the requests that are not finished.
async fn commit<C: Committer>(
    committer: &mut C,
    mut works: Vec<WorkOf<C>>,
    mut attempt: u32,
) -> Result<(), (Vec<WorkOf<C>>, FailureOf<C>)> {
    let mut reconnects = 0;
    loop {
        match committer.transact(&mut works, attempt).await {
            Ok(()) => {
                let missed: Vec<_> = works.extract_if(.., |work| work.has_missed()).collect();
                let finished = works;
                committer.finish(&finished, &missed);
                finished.into_iter().for_each(Work::reply);
                if missed.is_empty() {
                    return Ok(());
                }
                (works, attempt) = (missed, attempt + 1);
            }
            // An idle connection may be gone, which shows only when it is used.
            Err(failure) if failure.is_disconnected() && reconnects < MAX_RECONNECTS => reconnects += 1,
            // The rows that the statements did not fit may have changed.
            Err(failure) if !failure.is_database_fault() && attempt < C::UNLOCKED_ATTEMPTS => {
                tracing::debug!(?failure, "a commit without locks failed; it is repeated with locks");
                attempt = C::UNLOCKED_ATTEMPTS;
            }
            Err(failure) => return Err((works, failure)),
        }
    }
}

fn fail<C: Committer>(
    committer: &mut C,
    works: Vec<WorkOf<C>>,
    failure: FailureOf<C>,
) -> Result<(), FailureOf<C>> {
    committer.finish(&works, &[]);
    for work in works {
        work.fail(failure.clone().into());
    }
    if failure.is_database_fault() { Err(failure) } else { Ok(()) }
}
