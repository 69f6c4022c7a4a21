//! The ports: traits through which the kernel reaches everything that has effects, with the plain data that they take
//! and return.
//!
//! The author of a store implements these, together [`Store`]:
//!
//! | Port | Purpose |
//! |---|---|
//! | [`Persistence`] | commits [`Decision`]s, reads runs, stages, events and logs |
//! | [`JobTransport`] | claims jobs, keeps leases |
//! | [`Timers`] | finds runs whose start or deadline has come |
//! | [`Schedules`] | keeps schedules, finds those that are due |
//! | [`Outbox`] | registers subscribers, passes committed events on to them |
//! | [`Signals`] | reads the signals that stages wait for |
//! | [`Retention`] | deletes terminal runs |
//! | [`Ledger`] | reads model calls, and writes those that belong to no run |
//! | [`Inspection`] | lists runs, for people and programs that watch them |
//! | [`Catalog`] | keeps the definitions of workflows |
//! | [`Diagnosis`] | tells in what condition the store is |
//! | [`Indexes`] | adds and drops the optional indexes |
//!
//! Start with [`Decision`] and its [`Precondition`] and [`Change`]s: they are everything that a store ever writes for a
//! run. The conformance suite in `testing` checks an implementation.
//!
//! A program may implement the other ports: [`BlobStore`] for large payloads, [`EventSink`] and [`Plugin`] for events,
//! [`Scheduler`] for a serverless host. Tests replace the [`Clock`] and the [`ActivityExecutor`]. [`Hints`] notify the
//! tasks of one process that the store has changed, and carry its [`Outages`].

mod decision;
mod idempotency_entry;
mod precondition;
mod change;
mod rerun_stage;
mod run_end;
mod new_run;
mod other_run;
mod commit;
mod snapshot;
mod annotation_filter;
mod persistence;
mod claim;
mod start_plans;
mod transport;
mod timers;
mod schedules;
mod enqueue;
mod subscription;
mod delivery;
mod outbox;
mod signals;
mod retention;
mod ledger;
mod run_filter;
mod log_filter;
mod dead_letter_filter;
mod inspection;
mod expensive_runs;
mod catalog;
mod diagnosis;
mod indexes;
mod hints;
mod run_watch;
mod recent_ends;
mod outages;
mod blobs;
mod sink;
mod delivery_error;
mod plugin;
mod delivery_policy;
mod clock;
mod scheduler;
mod executor;

pub use annotation_filter::AnnotationFilter;
pub use blobs::BlobStore;
pub use catalog::{Catalog, NewDefinition, RegisteredWorker};
pub use change::Change;
pub use claim::{ClaimRequest, ClaimedWork};
pub(crate) use clock::is_jump;
pub use clock::{Clock, SystemClock};
pub use commit::{Applied, Commit};
pub use dead_letter_filter::DeadLetterFilter;
pub use decision::Decision;
pub use delivery::{Delivery, DeliveryClaim, DeliveryLease, DeliveryOutcome, Settlement};
pub use delivery_error::{BatchError, DeliveryError};
pub use delivery_policy::DeliveryPolicy;
pub use diagnosis::{Connections, Diagnosis, OpenTransaction, StoreCondition, WaitingEvents};
pub use enqueue::{EnqueueTarget, EnqueuedRun};
pub use executor::ActivityExecutor;
pub use expensive_runs::{ExpensiveRuns, ExpensiveRunsQuery};
pub use hints::{HighestPriority, Hints};
pub use idempotency_entry::IdempotencyEntry;
pub use indexes::{IndexCondition, Indexes, OptionalIndex};
pub use inspection::{CostQuery, Inspection, RunCount, RunPage, RunQuery};
pub use ledger::Ledger;
pub use log_filter::LogFilter;
pub use new_run::{NewRun, NewStage};
pub use other_run::{ChildStart, OtherRun};
pub use outages::Outages;
pub use outbox::Outbox;
pub use persistence::{Decide, Persistence};
pub use plugin::Plugin;
pub use precondition::{Precondition, Revision};
pub(crate) use recent_ends::EndMark;
pub use rerun_stage::RerunStage;
pub use retention::{Purge, Retention};
pub use run_end::RunEnd;
pub use run_filter::RunFilter;
pub use run_watch::RunWatch;
pub use scheduler::{Scheduler, SchedulerError};
pub use schedules::{DueSchedules, ScheduleWaits, Schedules};
pub use signals::{SignalWaitQuery, Signals};
pub use sink::EventSink;
pub use snapshot::Snapshot;
pub use start_plans::StartPlans;
pub use subscription::{DeliveryStart, Registration, Subscription};
pub use timers::Timers;
pub use transport::JobTransport;

/// A store: all storage ports in one place, so that one transaction covers everything.
pub trait Store:
    Persistence
    + JobTransport
    + Timers
    + Schedules
    + Outbox
    + Signals
    + Retention
    + Ledger
    + Inspection
    + Catalog
    + Diagnosis
    + Indexes
{
}

impl<T> Store for T where
    T: Persistence
        + JobTransport
        + Timers
        + Schedules
        + Outbox
        + Signals
        + Retention
        + Ledger
        + Inspection
        + Catalog
        + Diagnosis
        + Indexes
{
}
