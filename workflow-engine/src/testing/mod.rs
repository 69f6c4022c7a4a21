//! For tests: a clock that the test owns, and what every store must do.

mod clock;
mod engine;
pub mod conformance;

pub use clock::FakeClock;
pub use engine::{TestEngine, TestRun};
