//! Rows as one JSON text, so that one prepared statement takes any number of them.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::records::StoredValue;

/// An array of arrays, `[["a",1],["b",2]]`. A statement reads its columns with `value ->> 0` and so on.
#[derive(Debug, Default)]
pub(super) struct JsonRows {
    text: String,
}

/// A row of the array, while its columns are added.
#[derive(Debug)]
pub(super) struct Row<'a> {
    text: &'a mut String,
}

impl JsonRows {
    /// Adds a row.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Row<'_>)) {
        self.text.push_str(if self.text.is_empty() { "[[" } else { ",[" });
        let start = self.text.len();
        write(&mut Row { text: &mut self.text });
        // Each column ends with a comma; the last one's closes the row.
        if self.text.len() > start {
            self.text.pop();
        }
        self.text.push(']');
    }

    /// Returns whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the array.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "[]" } else { "]" });
        self.text
    }
}

impl Row<'_> {
    /// A text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(text, self.text);
        self.text.push(',');
        self
    }

    /// A text that needs no escapes: an id, a status.
    pub(super) fn plain(&mut self, text: impl std::fmt::Display) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "\"{text}\",");
        self
    }

    /// A number. SQLite's integers end at 2^63 - 1, far beyond any count or instant here.
    pub(super) fn int(&mut self, number: impl Into<i128>) -> &mut Self {
        let _ = write!(self.text, "{},", number.into());
        self
    }

    /// A number, or `NULL`.
    pub(super) fn maybe_int(&mut self, number: Option<impl Into<i128>>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    /// A text, or `NULL`.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// An instant in microseconds.
    pub(super) fn instant(&mut self, instant: DateTime<Utc>) -> &mut Self {
        self.int(instant.timestamp_micros())
    }

    /// An instant, or `NULL`.
    pub(super) fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        match instant {
            Some(instant) => self.instant(instant),
            None => self.null(),
        }
    }

    /// Two columns: the value, and the key of its blob.
    pub(super) fn value(&mut self, value: Option<&StoredValue>) -> &mut Self {
        match value {
            Some(StoredValue::Inline(json)) => self.text(json.as_str()).null(),
            Some(StoredValue::Blob(key)) => self.null().text(&key.0),
            None => self.null().null(),
        }
    }

    fn null(&mut self) -> &mut Self {
        self.text.push_str("null,");
        self
    }
}

/// Appends `text` as a JSON string.
fn escape(text: &str, into: &mut String) {
    into.reserve(text.len() + 2);
    into.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        into.push_str(&text[clean..at]);
        // Every escaped byte is a complete character.
        clean = at + 1;
        let _ = match byte {
            b'"' => into.write_str("\\\""),
            b'\\' => into.write_str("\\\\"),
            control => write!(into, "\\u{control:04x}"),
        };
    }
    into.push_str(&text[clean..]);
    into.push('"');
}

#[cfg(test)]
#[path = "json_rows_tests.rs"]
mod tests;
