//! How much of what was asked and answered is kept.

/// How much of a prompt or of a response the ledger keeps. Logs never have any of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentCapture {
    /// All of it.
    #[default]
    Full,
    /// So many characters of its beginning, and how many there were.
    Truncated(usize),
    /// Nothing.
    Off,
}

impl ContentCapture {
    pub(super) fn keep(self, text: impl FnOnce() -> String) -> Option<String> {
        match self {
            Self::Full => Some(text()),
            Self::Truncated(most) => Some(beginning(text(), most)),
            Self::Off => None,
        }
    }
}

fn beginning(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… [{} characters]", &text[..end], text.chars().count()),
        None => text,
    }
}
