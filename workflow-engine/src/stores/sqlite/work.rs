//! The requests that the writer serves.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation};
use crate::ports::{
    ClaimRequest, ClaimedWork, Commit, Decide, Decision, Delivery, DeliveryLease, DeliveryStart,
    NewDefinition, Purge, Registration, Settlement, Subscription,
};
use crate::records::Lease;
use crate::stores::deliveries::RegisteredClaim;
use crate::stores::footprint::has_user_statements;
use crate::value::{CallId, RunId};

/// A request to the writer.
pub(super) enum Work {
    /// Apply a decision.
    Commit(Request<Decision, Commit>),
    /// Load a run, decide, and apply the decision.
    CommitLocked(Request<LockedCommit, Commit>),
    /// Claim jobs.
    Claim(Request<ClaimRequest, ClaimedWork>),
    /// Extend leases.
    Renew(Request<RenewLeases, Vec<Lease>>),
    /// Pass new events on to their subscribers, and claim deliveries.
    ClaimDeliveries(Request<RegisteredClaim, Vec<Delivery>>),
    /// Extend leases on deliveries.
    RenewDeliveries(Request<RenewDeliveries, Vec<DeliveryLease>>),
    /// Write the outcomes of deliveries.
    SettleDeliveries(Request<Vec<Settlement>, ()>),
    /// Make deliveries due now.
    Requeue(Request<Requeue, usize>),
    /// Register a subscriber.
    RegisterSubscriber(Request<RegisterSubscriber, Registration>),
    /// Remove a subscriber.
    RemoveSubscriber(Request<String, bool>),
    /// Add definitions.
    RegisterDefinitions(Request<Vec<NewDefinition>, ()>),
    /// Delete runs.
    Purge(Request<PurgeRuns, Vec<RunId>>),
    /// Note that the blobs of purged runs are deleted.
    ForgetPurged(Request<Vec<RunId>, ()>),
    /// Bring back instants that were written while the clock was ahead.
    CorrectInstants(Request<(), usize>),
    /// Write a call outside of every stage.
    WriteCall(Request<CallWrite, ()>),
}

/// The input of a request, and the channel for its reply. The caller may have stopped waiting when the reply comes.
pub(super) struct Request<I, O> {
    pub(super) input: I,
    /// The reply, sent after the commit.
    pub(super) output: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

/// A run to decide about under the write lock.
pub(super) struct LockedCommit {
    pub(super) run_id: RunId,
    /// Taken by its only call.
    pub(super) decide: Option<Decide>,
}

/// The input of a heartbeat.
pub(super) struct RenewLeases {
    pub(super) leases: Vec<Lease>,
    pub(super) lease: Duration,
}

/// The input of a renewal of leases on deliveries.
pub(super) struct RenewDeliveries {
    pub(super) leases: Vec<DeliveryLease>,
    pub(super) lease: Duration,
}

/// The deliveries that become due now.
pub(super) enum Requeue {
    /// Dead letters of one subscriber or of all, with all their attempts.
    DeadLetters { subscriber: Option<String>, limit: usize },
    /// The refused deliveries of a subscriber.
    Refused { subscriber: String },
    /// The deliveries that these workers hold.
    HeldBy { workers: Vec<String> },
}

/// The input of a registration.
pub(super) struct RegisterSubscriber {
    pub(super) subscription: Subscription,
    pub(super) start: DeliveryStart,
}

/// The input of a purge: the candidates that a reader has found.
pub(super) struct PurgeRuns {
    pub(super) purge: Purge,
    pub(super) runs: Vec<RunId>,
}

/// A write of a call outside of every stage.
pub(super) enum CallWrite {
    Reserve(CallId, Box<CallReservation>),
    Settle(CallId, Box<CallOutcome>),
}

impl<I, O> Request<I, O> {
    /// Creates a request, and the channel on which its reply arrives.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, receiver) = oneshot::channel();
        (Self { input, output: None, reply }, receiver)
    }

    fn reply(self) {
        let missing = || Err(Error::store_failed("reply", "the writer has skipped the request"));
        // A caller that has stopped waiting changes nothing: the transaction is committed.
        let _ = self.reply.send(self.output.unwrap_or_else(missing));
    }

    fn fail(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl Work {
    /// Returns whether the request needs a transaction to itself: its function can decide only once, so the request cannot
    /// be repeated after another one has made a shared transaction fail; or it carries statements of the user, whose
    /// failure must not affect other requests.
    pub(super) fn runs_alone(&self) -> bool {
        match self {
            Self::CommitLocked(_) => true,
            Self::Commit(request) => has_user_statements(&request.input),
            _ => false,
        }
    }

    /// Sends the reply after the commit.
    pub(super) fn reply(self) {
        match self {
            Self::Commit(request) => request.reply(),
            Self::CommitLocked(request) => request.reply(),
            Self::Claim(request) => request.reply(),
            Self::Renew(request) => request.reply(),
            Self::ClaimDeliveries(request) => request.reply(),
            Self::SettleDeliveries(request) => request.reply(),
            Self::RenewDeliveries(request) => request.reply(),
            Self::Requeue(request) => request.reply(),
            Self::RegisterSubscriber(request) => request.reply(),
            Self::RemoveSubscriber(request) => request.reply(),
            Self::RegisterDefinitions(request) => request.reply(),
            Self::Purge(request) => request.reply(),
            Self::ForgetPurged(request) => request.reply(),
            Self::CorrectInstants(request) => request.reply(),
            Self::WriteCall(request) => request.reply(),
        }
    }

    /// Sends an error after the transaction is rolled back.
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Commit(request) => request.fail(error),
            Self::CommitLocked(request) => request.fail(error),
            Self::Claim(request) => request.fail(error),
            Self::Renew(request) => request.fail(error),
            Self::ClaimDeliveries(request) => request.fail(error),
            Self::SettleDeliveries(request) => request.fail(error),
            Self::RenewDeliveries(request) => request.fail(error),
            Self::Requeue(request) => request.fail(error),
            Self::RegisterSubscriber(request) => request.fail(error),
            Self::RemoveSubscriber(request) => request.fail(error),
            Self::RegisterDefinitions(request) => request.fail(error),
            Self::Purge(request) => request.fail(error),
            Self::ForgetPurged(request) => request.fail(error),
            Self::CorrectInstants(request) => request.fail(error),
            Self::WriteCall(request) => request.fail(error),
        }
    }
}
