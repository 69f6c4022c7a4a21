//! The requests that committers serve.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Backend;
use crate::error::Error;
use crate::ports::{ClaimRequest, ClaimedWork, Commit, Decide, Decision};
use crate::records::Lease;
#[cfg(feature = "sqlite")]
use crate::stores::footprint::has_user_statements;
use crate::stores::implicit::Renewal;
use crate::value::RunId;

/// One request of any kind.
pub(in crate::stores) enum Work<B: Backend> {
    /// Apply a decision.
    Commit(Request<Arc<Decision>, Commit>),
    /// Lock a run, decide, and apply the decision.
    CommitLocked(Request<LockedCommit, Commit>),
    /// Claim jobs, and start runs.
    Claim(Request<ClaimRequest, ClaimedWork>),
    /// Renew leases that may have no rows, and return the lost ones.
    Renew(Request<Renewal, Vec<Lease>>),
    /// Run statements that a store has for one task: leases, deliveries, retention.
    Direct(Box<dyn Direct<B>>),
}

/// The input of a request, and the channel for its result. The caller may have stopped waiting by then.
pub(in crate::stores) struct Request<I, O> {
    pub(super) input: I,
    /// The result, sent after the commit; `None` while nothing is written.
    pub(super) output: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

/// A run that is to be decided about under its lock.
pub(in crate::stores) struct LockedCommit {
    pub(super) run_id: RunId,
    pub(super) decide: LockedDecision,
}

/// The decision under a lock. `Decide` can be called only once; where the transaction fails afterwards, its decision is
/// applied again.
pub(super) enum LockedDecision {
    /// Not yet decided.
    Pending(Decide),
    /// The decision, or `None` where nothing is to be written.
    Decided(Option<Box<Decision>>),
}

/// The future of statements that run in a transaction.
pub(in crate::stores) type DirectFuture<'a, B, O> =
    Pin<Box<dyn Future<Output = Result<O, <B as Backend>::Failure>> + Send + 'a>>;

/// A request that only its store knows.
pub(in crate::stores) trait Direct<B: Backend>: Send {
    /// Runs the statements, and keeps their result.
    fn run<'a>(&'a mut self, backend: &'a mut B) -> DirectFuture<'a, B, ()>;

    /// Sends the result, after the commit.
    fn reply(self: Box<Self>);

    /// Sends an error, where the transaction was rolled back or its outcome is unknown.
    fn fail(self: Box<Self>, error: Error);
}

struct DirectRequest<I, O, F> {
    request: Request<I, O>,
    run: F,
}

impl<B, I, O, F> Direct<B> for DirectRequest<I, O, F>
where
    B: Backend,
    I: Send + Sync,
    O: Send,
    F: for<'a> Fn(&'a mut B, &'a I) -> DirectFuture<'a, B, O> + Send + Sync,
{
    fn run<'a>(&'a mut self, backend: &'a mut B) -> DirectFuture<'a, B, ()> {
        Box::pin(async move {
            self.request.output = Some(Ok((self.run)(backend, &self.request.input).await?));
            Ok(())
        })
    }

    fn reply(self: Box<Self>) {
        self.request.reply();
    }

    fn fail(self: Box<Self>, error: Error) {
        self.request.fail(error);
    }
}

impl<I, O> Request<I, O> {
    /// Creates a request, and the receiver of its result.
    pub(in crate::stores) fn new(input: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, result) = oneshot::channel();
        (Self { input, output: None, reply }, result)
    }

    /// Returns the input.
    #[cfg(feature = "sqlite")]
    pub(in crate::stores) fn input(&self) -> &I {
        &self.input
    }

    fn reply(self) {
        let skipped = || Error::store_failed("commit", "the committer skipped the request");
        // An error means that the caller has stopped waiting. The transaction is committed nevertheless.
        let _ = self.reply.send(self.output.unwrap_or_else(|| Err(skipped())));
    }

    fn fail(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl LockedCommit {
    pub(in crate::stores) fn new(run_id: RunId, decide: Decide) -> Self {
        Self { run_id, decide: LockedDecision::Pending(decide) }
    }
}

impl<B: Backend> Work<B> {
    /// Creates the request to run statements of the store, and the receiver of their result.
    pub(in crate::stores) fn direct<I, O>(
        run: impl for<'a> Fn(&'a mut B, &'a I) -> DirectFuture<'a, B, O> + Send + Sync + 'static,
        input: I,
    ) -> (Self, oneshot::Receiver<Result<O, Error>>)
    where
        I: Send + Sync + 'static,
        O: Send + 'static,
    {
        let (request, result) = Request::new(input);
        (Self::Direct(Box::new(DirectRequest { request, run })), result)
    }

    /// Returns the run that the request names, if any.
    #[cfg(feature = "postgres")]
    pub(in crate::stores) fn run_id(&self) -> Option<RunId> {
        match self {
            Self::Commit(request) => Some(request.input.run_id),
            Self::CommitLocked(request) => Some(request.input.run_id),
            Self::Claim(_) | Self::Renew(_) | Self::Direct(_) => None,
        }
    }

    /// Returns whether the request needs a transaction to itself: its function can decide only once, so the request
    /// cannot be repeated after another one has made a shared transaction fail; or it carries statements of the user,
    /// whose failure must not affect other requests.
    #[cfg(feature = "sqlite")]
    pub(in crate::stores) fn runs_alone(&self) -> bool {
        match self {
            Self::Commit(request) => has_user_statements(&request.input),
            Self::CommitLocked(_) => true,
            Self::Claim(_) | Self::Renew(_) | Self::Direct(_) => false,
        }
    }

    /// Returns whether nothing of the request was written, because it was applied to rows that have changed since.
    pub(super) fn has_missed(&self) -> bool {
        matches!(self, Self::Commit(Request { output: None, .. }))
    }

    /// Sends the result, after the commit.
    pub(super) fn reply(self) {
        match self {
            Self::Commit(request) => request.reply(),
            Self::CommitLocked(request) => request.reply(),
            Self::Claim(request) => request.reply(),
            Self::Renew(request) => request.reply(),
            Self::Direct(request) => request.reply(),
        }
    }

    /// Sends an error, where the transaction was rolled back or its outcome is unknown.
    pub(in crate::stores) fn fail(self, error: Error) {
        match self {
            Self::Commit(request) => request.fail(error),
            Self::CommitLocked(request) => request.fail(error),
            Self::Claim(request) => request.fail(error),
            Self::Renew(request) => request.fail(error),
            Self::Direct(request) => request.fail(error),
        }
    }
}
