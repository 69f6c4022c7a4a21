//! The decoder of server-sent events.
//!
//! The format is that of the HTML standard, section 9.2.6 "Interpreting an event stream".

use std::collections::VecDeque;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    /// The event type; empty if the server sends none.
    pub(crate) event: String,
    /// The data; several lines are joined by `\n`.
    pub(crate) data: String,
}

/// Longer than any delta, including one with an image.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// Decodes bytes, in chunks of any length, into events.
///
/// It buffers bytes until a line is complete, so that a character which is split between two chunks stays whole.
#[derive(Default)]
pub(super) struct Decoder {
    line: Vec<u8>,
    /// Whether the last byte was a carriage return.
    after_return: bool,
    /// Whether the first line, which may begin with a byte order mark, is decoded.
    has_begun: bool,
    event: String,
    data: Option<String>,
    ready: VecDeque<ServerEvent>,
}

/// The error for an event that exceeds the maximum length.
#[derive(Debug)]
pub(super) struct TooLong;

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if self.after_return && first == b'\n' {
                // The second half of CRLF, which may be in the next chunk.
                self.after_return = false;
                rest = &rest[1..];
                continue;
            }
            self.after_return = false;
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(rest);
                break;
            };
            self.line.extend_from_slice(&rest[..end]);
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.finish_line();
        }
        let length = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if length > MAX_EVENT_BYTES { Err(TooLong) } else { Ok(()) }
    }

    /// Returns the next complete event. An event that is cut by the end of the stream is discarded.
    pub(super) fn next(&mut self) -> Option<ServerEvent> {
        self.ready.pop_front()
    }

    fn finish_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line);
        if !self.has_begun {
            self.has_begun = true;
            if let Some(rest) = line.strip_prefix('\u{feff}') {
                line = rest.to_owned().into();
            }
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if let Some(data) = self.data.take() {
                self.ready.push_back(ServerEvent { event, data });
            }
            return;
        }
        // A line that begins with a colon is a comment; its field name is empty.
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.event),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", None) => self.data = Some(value.to_owned()),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
