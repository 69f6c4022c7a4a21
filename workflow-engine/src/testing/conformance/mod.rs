//! What every store must do.
//!
//! Each case is a function over an empty store whose events are kept for a sink and whose clock the case owns. A
//! store passes when none of [`cases`] panics:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::sync::Arc;
//! use workflow_engine::ports::Outbox;
//! use workflow_engine::stores::MemoryStore;
//! use workflow_engine::testing::{FakeClock, conformance};
//!
//! for case in conformance::cases().take(3) {
//!     let clock = FakeClock::new();
//!     let store = MemoryStore::new(Arc::new(clock.clone()));
//!     store.deliver_events(true);
//!     case.run(Arc::new(store), clock).await;
//! }
//! # });
//! ```

// A case that is not in its file's list is dead code, and that is an error: it cannot be forgotten.
#![deny(dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unchecked_time_subtraction,
    reason = "a case fails by a panic, like any test"
)]

mod fixture;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use self::fixture::Fixture;
use super::FakeClock;
use crate::ports::Store;

/// One thing that a store must do.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    run: fn(Fixture) -> BoxFuture<'static, ()>,
}

impl Case {
    /// What it is called: what the store does, in words.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs it over an empty store that takes its instants from `clock`.
    ///
    /// # Panics
    /// When the store does not do what it must.
    pub async fn run(&self, store: Arc<dyn Store>, clock: FakeClock) {
        (self.run)(Fixture { store, clock }).await;
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// The list of a file's cases, from its functions.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[
            $(super::Case { name: stringify!($case), run: |fixture| Box::pin($case(fixture)) },)*
        ];
    };
}

/// The files of cases: whoever declares one here runs it.
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
    annotations,
    artifacts,
    statements,
    ledger,
    topics,
    budgets,
    idempotency,
    atomicity,
    concurrency,
    claims,
    fair_order,
    leases,
    waiting,
    late_outcomes,
    stuck_runs,
    outbox,
    retention,
    reads,
    fidelity,
    hints,
}

/// Every case.
pub fn cases() -> impl Iterator<Item = Case> {
    SUITE.iter().flat_map(|file| file.iter().copied())
}
