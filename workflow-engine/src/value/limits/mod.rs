//! What may be stored: a payload that could not be read back, or that nobody has room for, is refused before anything
//! is written, alike for every store.

mod unstorable;
mod scan;
pub(crate) mod truncate;

use super::json::Json;

pub use unstorable::MAX_DEPTH;

pub(crate) use unstorable::Unstorable;

/// How much one payload may be: an input, a configuration, an output, a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload as JSON text. Default 64 MiB. A payload is in memory several times while it is stored.
    pub payload_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload_bytes: 64 * 1024 * 1024 }
    }
}

impl Limits {
    /// Whether a payload may be stored.
    pub(crate) fn check(self, payload: &Json) -> Result<(), Unstorable> {
        let text = payload.as_str();
        if text.len() > self.payload_bytes {
            return Err(Unstorable::TooLarge { bytes: text.len(), limit: self.payload_bytes });
        }
        scan::scan(text)
    }
}
