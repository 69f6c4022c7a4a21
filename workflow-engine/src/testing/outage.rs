//! Errors of a store, for a store of a test's own that fails where the test says so.

use std::io;

use crate::error::Error;

/// The store is busy or away; the same call may succeed later.
#[must_use]
pub fn unavailable(doing: &str) -> Error {
    Error::store_unavailable(doing, io::Error::other("the test says so"))
}

/// The store has failed, and will again: for whoever asks, this process is dead.
#[must_use]
pub fn broken(doing: &str) -> Error {
    Error::store_failed(doing, io::Error::other("the test says so"))
}
