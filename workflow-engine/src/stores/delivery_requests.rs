//! What a caller asks of the deliveries of events, as a transaction receives it.

use std::time::Duration;

use crate::ports::{DeadLetterFilter, DeliveryClaim, DeliveryLease, DeliveryStart, Subscription};

/// A claim of deliveries, and the types of events for which its subscriber was registered when they were checked. The
/// transaction of the claim finds nothing if they have changed meanwhile.
#[derive(Clone, Debug)]
pub(super) struct RegisteredClaim {
    pub(super) claim: DeliveryClaim,
    pub(super) event_types: Vec<String>,
}

/// A renewal of leases on deliveries.
pub(super) struct RenewDeliveries {
    pub(super) leases: Vec<DeliveryLease>,
    pub(super) lease: Duration,
}

/// The deliveries that become due now.
pub(super) enum Requeue {
    /// Dead letters, with all their attempts.
    DeadLetters { letters: DeadLetterFilter, limit: usize },
    /// The refused deliveries of a subscriber.
    Refused { subscriber: String },
    /// The deliveries that these workers hold.
    HeldBy { workers: Vec<String> },
}

/// A registration of a subscriber.
pub(super) struct RegisterSubscriber {
    pub(super) subscription: Subscription,
    pub(super) start: DeliveryStart,
}
