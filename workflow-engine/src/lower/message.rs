//! Messages that are built when rustc evaluates a constant.

/// A text of limited length for a panic in a constant, where `format!` is not available.
pub(crate) struct Message {
    bytes: [u8; CAPACITY],
    length: usize,
}

const CAPACITY: usize = 2048;

impl Message {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; CAPACITY], length: 0 }
    }

    /// Appends `text`, up to the capacity.
    pub(crate) const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() && self.length < CAPACITY {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.length);
        match core::str::from_utf8(text) {
            Ok(text) => text,
            // Only if the capacity ends inside a character.
            Err(_) => "the message is too long to be shown",
        }
    }
}
