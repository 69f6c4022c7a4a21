//! The test kit: run workflows in tests, protect released definitions, and check a store of your own.
//!
//! To test a workflow, use a [`TestEngine`]: it runs the workflow in memory and in virtual time, so that retries and
//! polls of days pass in milliseconds, and it injects failures and crashes.
//!
//! ```
//! use std::time::Duration;
//! use workflow_engine::prelude::*;
//! use workflow_engine::testing::TestEngine;
//!
//! #[stage(retry(max_attempts = 2, initial = "1h"))]
//! async fn double(number: u32) -> StageResult<u32> {
//!     Ok(number * 2)
//! }
//!
//! workflow! { Doubling = double }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let input = || DoubleInput { number: 21 };
//! let run = TestEngine::<Doubling>::new().fail::<double>(1, "connection reset").run(input()).await;
//! assert_eq!(*run.output.as_ref().unwrap(), 42);
//! assert_eq!(run.attempts::<double>(), 2);
//! assert!(run.elapsed >= Duration::from_secs(3600));
//!
//! // Once more for each commit of the run, with a crash right before it and right after it.
//! TestEngine::<Doubling>::new().crash_everywhere(input, |output| assert_eq!(output, 42)).await;
//! # }
//! ```
//!
//! Also for tests of an application:
//! - [`FakeClock`], [`CollectingEventSink`], [`InMemoryBlobStore`] and [`NoopScheduler`] implement ports for an engine
//!   that the test builds itself.
//! - [`assert_compatible`] fails when an edit of a released workflow would strand runs in flight.
//!
//! For authors of stores and other ports:
//! - [`conformance`] holds the cases that every store must pass, and shows how to run them.
//! - [`execute_job`] and [`return_job`] execute one claimed job without a worker.
//! - [`unavailable`] and [`broken`] make the errors of a store that fails on purpose.

mod engine;
mod clock;
mod event_sink;
mod blob_store;
mod scheduler;
mod compatibility;
pub mod conformance;
mod job_execution;
mod store_errors;

pub use blob_store::InMemoryBlobStore;
pub use clock::FakeClock;
pub use compatibility::{assert_compatible, lock_of};
pub use engine::{RunState, TestEngine, TestPlan, TestRun};
pub use event_sink::CollectingEventSink;
pub use job_execution::{ExecutedJob, execute_job, return_job};
pub use scheduler::NoopScheduler;
pub use store_errors::{broken, unavailable};
