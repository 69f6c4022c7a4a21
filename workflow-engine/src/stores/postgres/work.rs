//! What the committers are asked to do, and how they answer.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::ports::{
    ClaimRequest, ClaimedWork, Commit, Decide, Decision, Delivery, DeliveryClaim, Purge, Settlement,
};
use crate::stores::footprint::has_user_statements;
use crate::value::RunId;

/// One request.
pub(super) enum Work {
    /// Apply a decision.
    Commit(Ask<Decision, Commit>),
    /// Lock a run, decide, apply.
    CommitLocked(Ask<Locked, Commit>),
    /// Claim jobs.
    Claim(Ask<ClaimRequest, ClaimedWork>),
    /// Hand new events over and claim deliveries.
    ClaimDeliveries(Ask<DeliveryClaim, Vec<Delivery>>),
    /// Note what became of deliveries.
    SettleDeliveries(Ask<Vec<Settlement>, ()>),
    /// Offer dead letters again.
    Replay(Ask<Replay, usize>),
    /// Delete runs.
    Purge(Ask<Purge, Vec<RunId>>),
}

/// A request with the way back to whoever asked. Nobody has to be there any more when the answer comes.
pub(super) struct Ask<I, O> {
    pub(super) input: I,
    /// The answer, to be sent after the commit.
    pub(super) output: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

/// A run to be decided about under its lock.
pub(super) struct Locked {
    pub(super) run_id: RunId,
    pub(super) decide: Deciding,
}

/// One decides once; what was decided may be applied again where its transaction has failed.
pub(super) enum Deciding {
    /// Not yet.
    Open(Decide),
    /// This, or nothing.
    Done(Option<Decision>),
}

/// The arguments of a replay.
pub(super) struct Replay {
    pub(super) subscriber: Option<String>,
    pub(super) limit: usize,
}

impl<I, O> Ask<I, O> {
    /// A request, and where its answer will come.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { input, output: None, reply }, answer)
    }

    fn answer(self) {
        let passed_over = || Error::store_failed("answer", "the committer has passed the request over");
        // Whoever asked may have stopped waiting.
        let _ = self.reply.send(self.output.unwrap_or_else(|| Err(passed_over())));
    }

    fn refuse(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl Work {
    /// Whether it needs a transaction of its own: it locks more than it names before, or it brings statements of the
    /// user's, whose failure is nobody else's.
    pub(super) fn runs_alone(&self) -> bool {
        match self {
            Self::Commit(ask) => has_user_statements(&ask.input),
            _ => true,
        }
    }

    /// The run that it is about, if it names one.
    pub(super) fn run_id(&self) -> Option<RunId> {
        match self {
            Self::Commit(ask) => Some(ask.input.run_id),
            Self::CommitLocked(ask) => Some(ask.input.run_id),
            _ => None,
        }
    }

    /// Sends the answer; the transaction is committed.
    pub(super) fn answer(self) {
        match self {
            Self::Commit(ask) => ask.answer(),
            Self::CommitLocked(ask) => ask.answer(),
            Self::Claim(ask) => ask.answer(),
            Self::ClaimDeliveries(ask) => ask.answer(),
            Self::SettleDeliveries(ask) => ask.answer(),
            Self::Replay(ask) => ask.answer(),
            Self::Purge(ask) => ask.answer(),
        }
    }

    /// Sends an error; the transaction is rolled back.
    pub(super) fn refuse(self, error: Error) {
        match self {
            Self::Commit(ask) => ask.refuse(error),
            Self::CommitLocked(ask) => ask.refuse(error),
            Self::Claim(ask) => ask.refuse(error),
            Self::ClaimDeliveries(ask) => ask.refuse(error),
            Self::SettleDeliveries(ask) => ask.refuse(error),
            Self::Replay(ask) => ask.refuse(error),
            Self::Purge(ask) => ask.refuse(error),
        }
    }
}
