//! For tests: a clock that the test owns, the protection of released definitions, and what every store must do.

mod clock;
mod event_sink;
mod blob_store;
mod scheduler;
mod engine;
mod claimed;
mod outage;
mod compatibility;
pub mod conformance;

pub use blob_store::InMemoryBlobStore;
pub use claimed::{Delivery, deliver, hand_back};
pub use clock::FakeClock;
pub use compatibility::{assert_compatible, lock_of};
pub use engine::{TestEngine, TestRun};
pub use event_sink::CollectingEventSink;
pub use outage::{broken, unavailable};
pub use scheduler::NoopScheduler;
