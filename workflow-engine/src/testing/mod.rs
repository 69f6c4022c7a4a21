//! For tests: a clock that the test owns, and what every store must do.

mod clock;
pub mod conformance;

pub use clock::FakeClock;
