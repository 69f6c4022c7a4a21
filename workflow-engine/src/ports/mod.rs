//! The ports: traits and plain data through which the kernel reaches everything that has effects.

mod decision;
mod new_run;
mod commit;
mod annotations;
mod persistence;
mod work;
mod transport;
mod outbox;
mod retention;
mod blobs;
mod sink;
mod clock;
mod scheduler;
mod executor;
mod hints;
mod ledger;

pub use annotations::AnnotationFilter;
pub use blobs::BlobStore;
pub use clock::{Clock, SystemClock};
pub use commit::{Applied, Commit};
pub use decision::{Change, Decision, IdempotencyEntry, Precondition, RerunStage, Revision, RunEnd};
pub use executor::ActivityExecutor;
pub use hints::{HighestPriority, Hints, RunWatch};
pub use ledger::Ledger;
pub use new_run::{NewRun, NewStage};
pub use outbox::{Delivery, DeliveryClaim, DeliveryLease, DeliveryOutcome, Outbox, Settlement, Subscription};
pub use persistence::{Decide, Persistence, Snapshot};
pub use retention::{Purge, Retention};
pub use scheduler::{Scheduler, SchedulerError};
pub use sink::{DeliveryError, DeliveryPolicy, EventSink, Plugin};
pub use transport::JobTransport;
pub use work::{ClaimRequest, ClaimedWork, StartPlans};

/// A store: everything that is kept, in one place, so that one transaction covers it.
pub trait Store: Persistence + JobTransport + Outbox + Retention + Ledger {}

impl<T: Persistence + JobTransport + Outbox + Retention + Ledger> Store for T {}
