//! For tests: a clock that the test owns, the protection of released definitions, and what every store must do.

mod clock;
mod engine;
mod claimed;
mod outage;
mod compatibility;
pub mod conformance;

pub use claimed::{Delivery, deliver, hand_back};
pub use clock::FakeClock;
pub use compatibility::{assert_compatible, lock_of};
pub use engine::{TestEngine, TestRun};
pub use outage::{broken, unavailable};
