//! Rows as one JSON text, so that one prepared statement takes any number of them.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::stores::rows::{RowList, WriteColumns, number};

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
    /// Returns the array.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str(if self.text.is_empty() { "[]" } else { "]" });
        self.text
    }
}

impl RowList for JsonRows {
    type Row<'a> = Row<'a>;

    fn push(&mut self, put: impl FnOnce(&mut Row<'_>)) {
        self.text.push_str(if self.text.is_empty() { "[[" } else { ",[" });
        let start = self.text.len();
        put(&mut Row { text: &mut self.text });
        // Each column ends with a comma; the last one's closes the row.
        if self.text.len() > start {
            self.text.pop();
        }
        self.text.push(']');
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl Row<'_> {
    fn plain(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{value},");
        self
    }
}

impl WriteColumns for Row<'_> {
    fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.plain(format_args!("\"{id}\""))
    }

    fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self {
        match id {
            Some(id) => self.uuid(id),
            None => self.plain("null"),
        }
    }

    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        let Some(text) = text else { return self.plain("null") };
        escape(text, self.text);
        self.text.push(',');
        self
    }

    fn maybe_int(&mut self, int: Option<impl TryInto<i64>>) -> &mut Self {
        match int {
            Some(int) => self.plain(number(int)),
            None => self.plain("null"),
        }
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.int(flag)
    }

    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.maybe_int(instant.map(|instant| instant.timestamp_micros()))
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
