//! The ports: traits and plain data through which the kernel reaches everything that has effects.

mod decision;
mod annotations;
mod persistence;
mod transport;
mod outbox;
mod blobs;
mod sink;
mod clock;
mod executor;
mod hints;

pub use annotations::AnnotationFilter;
pub use blobs::BlobStore;
pub use clock::{Clock, SystemClock};
pub use decision::{
    Applied, Change, Commit, Decision, Guard, IdempotencyEntry, NewRun, NewStage, RerunStage, Revision,
    RunEnd,
};
pub use executor::ActivityExecutor;
pub use hints::{Hints, RunWatch};
pub use outbox::Outbox;
pub use persistence::{Decide, Persistence, Snapshot};
pub use sink::EventSink;
pub use transport::JobTransport;

/// A store: everything that is kept, in one place, so that one transaction covers it.
pub trait Store: Persistence + JobTransport + Outbox {}

impl<T: Persistence + JobTransport + Outbox> Store for T {}
