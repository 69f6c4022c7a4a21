//! The idempotency key of a command.

use crate::value::Json;

/// An idempotency key with the result that a repeated command returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyEntry {
    /// The name of the command. Keys of different commands are independent.
    pub command: &'static str,
    /// The caller's key.
    pub key: String,
    /// A hash of the request. The same key with another request is a conflict.
    pub request_hash: String,
    /// The result of the command.
    pub result: Json,
}
