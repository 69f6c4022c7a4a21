//! Truncation of texts and fields that a stage reports: a shortened text is stored rather than refused.

use super::Limits;
use crate::value::Json;

/// The longest stored error text or cancellation reason, in bytes.
const ERROR_BYTES: usize = 8 * 1024;
/// The longest text of one cause of an error, in bytes.
const CAUSE_BYTES: usize = 2 * 1024;
/// The longest message of a log line or a progress report, in bytes.
const MESSAGE_BYTES: usize = 16 * 1024;
/// Larger fields of a log line are dropped.
const FIELDS: Limits = Limits { payload_bytes: 64 * 1024 };

/// The longest prompt or response in the ledger, in bytes.
const CALL_BYTES: usize = 1024 * 1024;

/// Truncates a prompt or a response at a character boundary.
pub(crate) fn call_text(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(CALL_BYTES));
    text
}

/// Truncates the text of an error at a character boundary.
pub(crate) fn error_text(text: &str) -> String {
    cut(text, ERROR_BYTES)
}

/// Truncates a message at a character boundary.
pub(crate) fn message(text: &str) -> String {
    cut(text, MESSAGE_BYTES)
}

/// Returns the fields, or the error code in parentheses if they cannot be stored.
pub(crate) fn fields(fields: Json) -> Json {
    match FIELDS.check(&fields) {
        Ok(()) => fields,
        Err(fault) => Json::write(&format!("({})", fault.code())).unwrap_or_else(|_| Json::null()),
    }
}

/// Joins the text of an error with those of its causes, the cause of all last, and leaves out causes in the middle if the
/// whole would be too long: what failed and why it failed stay.
pub(crate) fn causes(mut texts: Vec<String>) -> String {
    const SEPARATOR: &str = ": ";
    const OMITTED: &str = "…";

    for text in texts.iter_mut().skip(1).filter(|text| text.len() > CAUSE_BYTES) {
        text.truncate(text.floor_char_boundary(CAUSE_BYTES - OMITTED.len()));
        text.push_str(OMITTED);
    }
    let length = |texts: &[String]| texts.iter().map(|text| text.len() + SEPARATOR.len()).sum::<usize>();
    if texts.len() == 1 || length(&texts) <= ERROR_BYTES {
        return texts.join(SEPARATOR);
    }
    let room = ERROR_BYTES - OMITTED.len() - SEPARATOR.len();
    while texts.len() > 2 && length(&texts) > room {
        texts.remove(texts.len() / 2);
    }
    if let [first, last] = texts.as_mut_slice() {
        let end = room.saturating_sub(last.len() + 2 * SEPARATOR.len());
        first.truncate(first.floor_char_boundary(end));
    }
    texts.insert(texts.len().div_ceil(2), OMITTED.to_owned());
    texts.join(SEPARATOR)
}

fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
