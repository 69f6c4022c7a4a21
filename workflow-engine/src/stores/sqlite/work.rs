//! What the writer is asked to do, and how it answers.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation};
use crate::ports::{
    ClaimRequest, ClaimedWork, Commit, Decide, Decision, Delivery, DeliveryClaim, Purge, Settlement,
};
use crate::records::Lease;
use crate::value::{CallId, RunId};

/// One request.
pub(super) enum Work {
    /// Apply a decision.
    Commit(Ask<Decision, Commit>),
    /// Load a run, decide, apply.
    CommitLocked(Ask<Locked, Commit>),
    /// Claim jobs.
    Claim(Ask<ClaimRequest, ClaimedWork>),
    /// Extend leases.
    Renew(Ask<RenewLeases, Vec<Lease>>),
    /// Hand new events over and claim deliveries.
    ClaimDeliveries(Ask<DeliveryClaim, Vec<Delivery>>),
    /// Note what became of deliveries.
    SettleDeliveries(Ask<Vec<Settlement>, ()>),
    /// Offer dead letters again.
    Replay(Ask<Replay, usize>),
    /// Delete runs.
    Purge(Ask<PurgeNamed, Vec<RunId>>),
    /// The blobs of purged runs are deleted.
    ForgetPurged(Ask<Vec<RunId>, ()>),
    /// Write about a call outside of every stage.
    WriteCall(Ask<CallWrite, ()>),
}

/// A request with the way back to whoever asked. Nobody has to be there any more when the answer comes.
pub(super) struct Ask<I, O> {
    pub(super) input: I,
    /// The answer, to be sent after the commit.
    pub(super) output: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

/// A run to be decided about under the write lock.
pub(super) struct Locked {
    pub(super) run_id: RunId,
    /// Taken by the one call that it allows.
    pub(super) decide: Option<Decide>,
}

/// The arguments of a heartbeat.
pub(super) struct RenewLeases {
    pub(super) leases: Vec<Lease>,
    pub(super) lease: Duration,
}

/// The arguments of a replay.
pub(super) struct Replay {
    pub(super) subscriber: Option<String>,
    pub(super) limit: usize,
}

/// Runs that were found to be over.
pub(super) struct PurgeNamed {
    pub(super) purge: Purge,
    pub(super) runs: Vec<RunId>,
}

/// What is written about a call outside of every stage.
pub(super) enum CallWrite {
    Reserve(CallId, Box<CallReservation>),
    Settle(CallId, Box<CallOutcome>),
}

impl<I, O> Ask<I, O> {
    /// A request, and where its answer will come.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { input, output: None, reply }, answer)
    }

    fn answer(self, otherwise: impl FnOnce() -> Error) {
        // Whoever asked may have gone: what was committed stays committed.
        let _ = self.reply.send(self.output.unwrap_or_else(|| Err(otherwise())));
    }

    fn refuse(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl Work {
    /// Whether it has to run in a transaction of its own: its decision can be made only once, so it cannot be
    /// repeated when somebody else's work makes a shared transaction fail; or it brings statements of the user's,
    /// whose failure is nobody else's.
    pub(super) fn runs_alone(&self) -> bool {
        match self {
            Self::CommitLocked(_) => true,
            Self::Commit(ask) => ask.input.executes(),
            _ => false,
        }
    }

    /// Sends the answer; the transaction is committed.
    pub(super) fn answer(self) {
        let lost = || Error::store_failed("answer", "the writer has passed the request over");
        match self {
            Self::Commit(ask) => ask.answer(lost),
            Self::CommitLocked(ask) => ask.answer(lost),
            Self::Claim(ask) => ask.answer(lost),
            Self::Renew(ask) => ask.answer(lost),
            Self::ClaimDeliveries(ask) => ask.answer(lost),
            Self::SettleDeliveries(ask) => ask.answer(lost),
            Self::Replay(ask) => ask.answer(lost),
            Self::Purge(ask) => ask.answer(lost),
            Self::ForgetPurged(ask) => ask.answer(lost),
            Self::WriteCall(ask) => ask.answer(lost),
        }
    }

    /// Sends an error; the transaction is rolled back.
    pub(super) fn refuse(self, error: Error) {
        match self {
            Self::Commit(ask) => ask.refuse(error),
            Self::CommitLocked(ask) => ask.refuse(error),
            Self::Claim(ask) => ask.refuse(error),
            Self::Renew(ask) => ask.refuse(error),
            Self::ClaimDeliveries(ask) => ask.refuse(error),
            Self::SettleDeliveries(ask) => ask.refuse(error),
            Self::Replay(ask) => ask.refuse(error),
            Self::Purge(ask) => ask.refuse(error),
            Self::ForgetPurged(ask) => ask.refuse(error),
            Self::WriteCall(ask) => ask.refuse(error),
        }
    }
}
