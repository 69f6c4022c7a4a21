//! Idempotency keys: the same key with the same request is answered as the first one was.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::ports::IdempotencyEntry;
use crate::value::Json;
use crate::value::hex::hex;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// The entry of a command's key: a hash of its request, and what it is answered should it succeed.
///
/// # Errors
/// `INVALID_REQUEST` when the key is empty, too long or has control characters.
pub(super) fn entry(
    command: &'static str,
    key: &str,
    request: &impl Serialize,
    answer: &impl Serialize,
) -> Result<IdempotencyEntry, Error> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(Error::invalid_request(format!(
            "an idempotency key has 1 to {MAX_KEY_BYTES} bytes and no control characters"
        )));
    }
    let unwritable = |what: &str, error: serde_json::Error| {
        Error::invalid_request(format!("the {what} cannot be written as JSON: {error}"))
    };
    // Through `Value` the keys of objects are sorted, so that their order makes no other request.
    let canonical = serde_json::to_value(request).map_err(|error| unwritable("request", error))?;
    let request_hash = hex(&Sha256::digest(canonical.to_string()));
    let result = Json::encode(answer).map_err(|error| unwritable("answer", error))?;
    Ok(IdempotencyEntry { command, key: key.to_owned(), request_hash, result })
}

/// What the first request with this key was answered.
///
/// # Errors
/// `IDEMPOTENCY_CONFLICT` when it was another request.
pub(super) fn answer<T: DeserializeOwned>(
    entry: &IdempotencyEntry,
    request_hash: &str,
    result: &Json,
) -> Result<T, Error> {
    if entry.request_hash != request_hash {
        return Err(Error::idempotency_conflict(&entry.key, entry.command));
    }
    result.decode().map_err(|error| Error::stored_answer(&entry.key, entry.command, error))
}
