//! Errors for a test's own store that fails on purpose.

use std::io;

use crate::error::Error;

/// Makes the error of a store that is temporarily unavailable, so that the same call may succeed later. The message
/// is `cannot {doing}: …`.
#[must_use]
pub fn unavailable(doing: &str) -> Error {
    Error::store_unavailable(doing, io::Error::other("a test injected this failure"))
}

/// Makes the error of a store that has failed permanently, as if the calling process were dead. The message is
/// `cannot {doing}: …`.
#[must_use]
pub fn broken(doing: &str) -> Error {
    Error::store_failed(doing, io::Error::other("a test injected this failure"))
}
