//! The setting for how much of prompts and responses is stored.

/// The part of a prompt or response that the ledger stores. Logs never contain either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentCapture {
    /// The whole text.
    #[default]
    Full,
    /// This many characters from the beginning, and the number of characters of the whole text.
    Truncated(usize),
    /// Nothing.
    Off,
}

impl ContentCapture {
    pub(super) fn capture(self, text: impl FnOnce() -> String) -> Option<String> {
        match self {
            Self::Full => Some(text()),
            Self::Truncated(limit) => Some(truncate(text(), limit)),
            Self::Off => None,
        }
    }
}

fn truncate(text: String, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}… [{} characters]", &text[..end], text.chars().count()),
        None => text,
    }
}
