//! Idempotency keys: the same key with the same request returns the output of the first request.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Kernel;
use crate::error::Error;
use crate::ports::{Commit, Decision, IdempotencyEntry, Precondition};
use crate::value::canonical::canonical;
use crate::value::hex::hex;
use crate::value::{Json, RunId};

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// Returns the entry of a command's key: a hash of the request, and the output that the command returns if it succeeds.
///
/// # Errors
/// `INVALID_REQUEST` when the key is empty, too long or has control characters.
pub(super) fn entry(
    command: &'static str,
    key: &str,
    request: &impl Serialize,
    output: &impl Serialize,
) -> Result<IdempotencyEntry, Error> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
        return Err(Error::invalid_request(format!(
            "an idempotency key must have 1 to {MAX_KEY_BYTES} bytes and no control characters"
        )));
    }
    let unwritable = |what: &str, error: serde_json::Error| {
        Error::invalid_request(format!("the {what} cannot be written as JSON: {error}"))
    };
    let request = Json::write(request).map_err(|error| unwritable("request", error))?;
    let canonical = canonical(request.as_str()).ok_or_else(|| Error::request_too_deep(command))?;
    let request_hash = hex(&Sha256::digest(canonical));
    let result = Json::write(output).map_err(|error| unwritable("output", error))?;
    Ok(IdempotencyEntry { command, key: key.to_owned(), request_hash, result })
}

/// Returns the output of the first request with this key.
///
/// # Errors
/// `IDEMPOTENCY_CONFLICT` when the first request was a different one.
pub(super) fn first_output<T: DeserializeOwned>(
    entry: &IdempotencyEntry,
    request_hash: &str,
    result: &Json,
) -> Result<T, Error> {
    if entry.request_hash != request_hash {
        return Err(Error::idempotency_conflict(&entry.key, entry.command));
    }
    result.decode().map_err(|error| Error::stored_answer(&entry.key, entry.command, error))
}

/// Returns the stored output of the key; `None` where the key is new. The query is a decision that can never be
/// applied, because the run exists: the store checks keys before preconditions.
///
/// # Errors
/// `IDEMPOTENCY_CONFLICT` when the first request was a different one.
pub(super) async fn stored_output<T: DeserializeOwned>(
    kernel: &Kernel,
    run_id: RunId,
    entry: &IdempotencyEntry,
) -> Result<Option<T>, Error> {
    let query = Decision {
        run_id,
        command: entry.command,
        precondition: Precondition::Absent,
        idempotency: Some(entry.clone()),
        changes: Vec::new(),
    };
    match kernel.store().commit(query).await? {
        Commit::Duplicate { request_hash, result } => first_output(entry, &request_hash, &result).map(Some),
        Commit::Applied(_) | Commit::PreconditionFailed => Ok(None),
    }
}
