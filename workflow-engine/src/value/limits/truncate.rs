//! What is told of a stage is cut and kept: a line is worth more than its length.

use super::Limits;
use crate::value::Json;

/// The longest text of an error that is stored, and of a reason to cancel, in bytes.
const ERROR_BYTES: usize = 8 * 1024;
/// The longest message of a log line or of progress, in bytes.
const MESSAGE_BYTES: usize = 16 * 1024;
/// Longer fields of a log line are not kept.
const FIELDS: Limits = Limits { payload_bytes: 64 * 1024 };

/// The longest prompt or response that the ledger keeps, in bytes.
const CALL_BYTES: usize = 1024 * 1024;

/// A prompt or a response, cut at a character.
pub(crate) fn call_text(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(CALL_BYTES));
    text
}

/// The text of an error, cut at a character.
pub(crate) fn error_text(text: &str) -> String {
    cut(text, ERROR_BYTES)
}

/// A message, cut at a character.
pub(crate) fn message(text: &str) -> String {
    cut(text, MESSAGE_BYTES)
}

/// The fields, or a text that says why they are not kept.
pub(crate) fn fields(fields: Json) -> Json {
    match FIELDS.check(&fields) {
        Ok(()) => fields,
        Err(fault) => Json::encode(&format!("({})", fault.code())).unwrap_or_else(|_| Json::null()),
    }
}

fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
