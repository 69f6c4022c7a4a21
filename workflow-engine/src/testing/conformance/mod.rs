//! The conformance suite: the cases that every [`Store`] must pass.
//!
//! A store author runs each of [`cases`] against the new store. A case needs its own empty store, which takes its time
//! from the [`FakeClock`] that the case receives. A case panics when the store violates it. Its [name](Case::name) states
//! the required behaviour, and its assertions name the guarantee at stake (`G1` to `G11`, see `docs/guarantees.md`) where
//! there is one.
//!
//! Run the whole list, in one test or as one test per case in a custom test harness: new versions of this crate add
//! cases.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::sync::Arc;
//! use workflow_engine::stores::MemoryStore;
//! use workflow_engine::testing::{FakeClock, conformance};
//!
//! let cases = conformance::cases();
//! # // The repository's own tests run all of them.
//! # let cases = cases.take(3);
//! for case in cases {
//!     println!("{}", case.name());
//!     let clock = FakeClock::new();
//!     let store = MemoryStore::new(Arc::new(clock.clone()));
//!     case.run(Arc::new(store), clock).await;
//! }
//! # });
//! ```

// A case that is missing from its file's list is dead code, which is an error, so no case can be forgotten.
#![deny(dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unchecked_time_subtraction,
    reason = "a case fails with a panic, like any test"
)]

mod fixture;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::fixture::Fixture;
use super::clock::FakeClock;
use crate::ports::Store;

/// One behaviour that a store must show.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: fn(Fixture) -> BoxFuture<'static, ()>,
}

impl Case {
    /// Returns the name of the case, which states the required behaviour: `a_run_is_created_once`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the case against an empty store that takes its time from `clock`.
    ///
    /// # Panics
    /// When the store does not show the required behaviour.
    pub async fn run(&self, store: Arc<dyn Store>, clock: FakeClock) {
        (self.run)(Fixture { store, clock }).await;
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Declares the cases of a file: its functions, under their own names.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[
            $(super::Case { name: stringify!($case), run: |fixture| Box::pin($case(fixture)) },)*
        ];
    };
}

/// Declares the files of cases, so that a declared file is also run.
macro_rules! suite {
    ($($file:ident),* $(,)?) => {
        $(mod $file;)*
        const SUITE: &[&[Case]] = &[$($file::CASES),*];
    };
}

suite! {
    lifecycle,
    creation,
    preconditions,
    changes,
    choices,
    events,
    commits,
    annotations,
    artifacts,
    statements,
    ledger,
    costs,
    topics,
    budgets,
    idempotency,
    atomicity,
    concurrency,
    claims,
    fair_order,
    leases,
    held,
    waiting,
    times,
    schedules,
    signals,
    places,
    place_rows,
    children,
    late_outcomes,
    stuck_runs,
    outbox,
    dead_letters,
    subscribers,
    catalog,
    workers,
    diagnosis,
    indexes,
    retention,
    reads,
    run_lists,
    fidelity,
    hints,
}

/// Returns every case.
pub fn cases() -> impl Iterator<Item = Case> {
    SUITE.iter().flat_map(|file| file.iter().copied())
}
