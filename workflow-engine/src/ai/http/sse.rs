//! Server-sent events, decoded as they come in.
//!
//! The format is that of the HTML standard, section 9.2.6 "Interpreting an event stream".

use std::collections::VecDeque;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerEvent {
    /// Its kind; empty where the server names none.
    pub(crate) event: String,
    /// What it says; of several lines, joined by `\n`.
    pub(crate) data: String,
}

/// Longer than any delta, and than a picture in one.
const LONGEST_EVENT: usize = 64 << 20;

/// Takes bytes in pieces of any length, and gives events.
///
/// It keeps bytes until a line is whole, so a character that is split between two pieces is never seen in halves.
#[derive(Default)]
pub(super) struct Decoder {
    line: Vec<u8>,
    after_return: bool,
    begun: bool,
    event: String,
    data: Option<String>,
    ready: VecDeque<ServerEvent>,
}

/// An event that never ends.
#[derive(Debug)]
pub(super) struct TooLong;

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if self.after_return && first == b'\n' {
                // The second half of CRLF, which may come in a piece of its own.
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
            self.end_of_line();
        }
        let length = self.line.len() + self.data.as_ref().map_or(0, String::len);
        if length > LONGEST_EVENT { Err(TooLong) } else { Ok(()) }
    }

    /// The next event that is whole. One that the end of the stream cuts never is.
    pub(super) fn next(&mut self) -> Option<ServerEvent> {
        self.ready.pop_front()
    }

    fn end_of_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut line = String::from_utf8_lossy(&line);
        if !self.begun {
            self.begun = true;
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
        // A line that begins with a colon is a comment: its field has no name.
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
