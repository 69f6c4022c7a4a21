//! The requests that committers serve.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::ports::{
    ClaimRequest, ClaimedWork, Commit, Decide, Decision, Delivery, DeliveryLease, DeliveryStart, Purge,
    Registration, Settlement, Subscription,
};
use crate::stores::deliveries::RegisteredClaim;
use crate::value::RunId;

/// One request of any kind.
pub(super) enum Work {
    /// Applies a decision.
    Commit(Request<Decision, Commit>),
    /// Locks a run, decides, and applies the decision.
    CommitLocked(Request<LockedCommit, Commit>),
    /// Claims jobs and starts runs, under locks.
    Claim(Request<ClaimRequest, ClaimedWork>),
    /// Creates deliveries for new events, and claims those of one subscriber.
    ClaimDeliveries(Request<RegisteredClaim, Vec<Delivery>>),
    /// Extends leases on deliveries.
    RenewDeliveries(Request<RenewDeliveries, Vec<DeliveryLease>>),
    /// Records the outcomes of deliveries.
    SettleDeliveries(Request<Vec<Settlement>, ()>),
    /// Makes deliveries due now.
    Requeue(Request<Requeue, usize>),
    /// Registers a subscriber.
    RegisterSubscriber(Request<RegisterSubscriber, Registration>),
    /// Creates the deliveries of a new subscriber for old events.
    AddOldEvents(Request<String, ()>),
    /// Deletes the deliveries of a subscriber.
    PruneSubscriber(Request<String, ()>),
    /// Removes a subscriber.
    RemoveSubscriber(Request<String, bool>),
    /// Deletes runs.
    Purge(Request<Purge, Vec<RunId>>),
}

/// A request with the channel for its result. The caller may have stopped waiting by the time of the result.
pub(super) struct Request<I, O> {
    pub(super) input: I,
    /// The result, to be sent after the commit.
    pub(super) output: Option<Result<O, Error>>,
    reply: oneshot::Sender<Result<O, Error>>,
}

/// A run that is to be decided about under its lock.
pub(super) struct LockedCommit {
    pub(super) run_id: RunId,
    pub(super) decide: LockedDecision,
}

/// The decision under a lock. `Decide` can be called only once; where the transaction fails afterwards, its decision is
/// applied again.
pub(super) enum LockedDecision {
    /// Not yet decided.
    Pending(Decide),
    /// The decision, or `None` where nothing is to be written.
    Decided(Option<Decision>),
}

/// The arguments of a renewal of leases on deliveries.
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

/// The arguments of a registration.
pub(super) struct RegisterSubscriber {
    pub(super) subscription: Subscription,
    pub(super) start: DeliveryStart,
}

impl<I, O> Request<I, O> {
    /// Creates a request, and the receiver of its result.
    pub(super) fn new(input: I) -> (Self, oneshot::Receiver<Result<O, Error>>) {
        let (reply, result) = oneshot::channel();
        (Self { input, output: None, reply }, result)
    }

    fn complete(self) {
        let skipped = || Error::store_failed("commit", "the committer skipped the request");
        // An error means that the caller has stopped waiting.
        let _ = self.reply.send(self.output.unwrap_or_else(|| Err(skipped())));
    }

    fn fail(self, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

impl Work {
    /// Returns whether the request needs its own transaction, because it locks more than it names beforehand.
    pub(super) fn runs_alone(&self) -> bool {
        !matches!(self, Self::Commit(_))
    }

    /// Returns the run that the request names, if any.
    pub(super) fn run_id(&self) -> Option<RunId> {
        match self {
            Self::Commit(request) => Some(request.input.run_id),
            Self::CommitLocked(request) => Some(request.input.run_id),
            _ => None,
        }
    }

    /// Sends the result, after the commit.
    pub(super) fn complete(self) {
        match self {
            Self::Commit(request) => request.complete(),
            Self::CommitLocked(request) => request.complete(),
            Self::Claim(request) => request.complete(),
            Self::ClaimDeliveries(request) => request.complete(),
            Self::SettleDeliveries(request) => request.complete(),
            Self::RenewDeliveries(request) => request.complete(),
            Self::Requeue(request) => request.complete(),
            Self::RegisterSubscriber(request) => request.complete(),
            Self::AddOldEvents(request) | Self::PruneSubscriber(request) => request.complete(),
            Self::RemoveSubscriber(request) => request.complete(),
            Self::Purge(request) => request.complete(),
        }
    }

    /// Sends an error, where the transaction was rolled back or its outcome is unknown.
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Commit(request) => request.fail(error),
            Self::CommitLocked(request) => request.fail(error),
            Self::Claim(request) => request.fail(error),
            Self::ClaimDeliveries(request) => request.fail(error),
            Self::SettleDeliveries(request) => request.fail(error),
            Self::RenewDeliveries(request) => request.fail(error),
            Self::Requeue(request) => request.fail(error),
            Self::RegisterSubscriber(request) => request.fail(error),
            Self::AddOldEvents(request) | Self::PruneSubscriber(request) => request.fail(error),
            Self::RemoveSubscriber(request) => request.fail(error),
            Self::Purge(request) => request.fail(error),
        }
    }
}
