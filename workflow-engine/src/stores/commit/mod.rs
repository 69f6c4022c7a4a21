//! The commit engine under both SQL stores: how requests become transactions.
//!
//! 1. `request`: what a caller asks for, with the channel for its result. A store queues requests.
//! 2. `committer`: serves requests that are ready together in one transaction, and decides what follows a failure.
//! 3. `batch`: the steps inside that transaction, over the few operations that a store provides (`backend`).
//! 4. `row_cache`: the rows that the latest commits have left, so that the next one need not read them.

mod request;
mod committer;
mod batch;
mod backend;
mod row_cache;

pub(super) use self::backend::{Backend, CommitFailure, Written};
pub(super) use self::batch::run;
#[cfg(feature = "postgres")]
pub(super) use self::committer::MAX_ATTEMPTS;
pub(super) use self::committer::{Committer, serve};
#[cfg(feature = "postgres")]
pub(super) use self::request::DirectFuture;
pub(super) use self::request::{LockedCommit, Request, Work};
pub(super) use self::row_cache::RowCache;
