//! Limits of payloads. A payload that is too large, or that could not be read back, is refused before anything is written,
//! in the same way for every store.

mod unstorable;
mod scan;
pub(crate) mod truncate;

use super::json::Json;

pub use unstorable::MAX_DEPTH;

pub(crate) use unstorable::Unstorable;

/// The limits of one payload: an input, a configuration, an output or a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest size of a payload as JSON text, in bytes; default 64 MiB. The process holds several copies of a payload
    /// while it stores it.
    pub payload_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload_bytes: 64 * 1024 * 1024 }
    }
}

impl Limits {
    /// Checks whether a payload can be stored.
    pub(crate) fn check(self, payload: &Json) -> Result<(), Unstorable> {
        let text = payload.as_str();
        if text.len() > self.payload_bytes {
            return Err(Unstorable::TooLarge { bytes: text.len(), limit: self.payload_bytes });
        }
        scan::scan(text)
    }
}
