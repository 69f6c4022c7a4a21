//! Redaction of provider messages: removes keys, prompts and responses, so that the messages can be logged.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The maximum length of a redacted message, in characters.
const MAX_MESSAGE_CHARS: usize = 400;
/// A match of this many consecutive bytes with the request is a quotation.
const MIN_REQUEST_MATCH: usize = 16;
/// A match of this many consecutive bytes with a key is a part of the key.
const MIN_KEY_MATCH: usize = 6;
/// Shorter texts in the request, such as `user` or `auto`, are constants of the wire format.
const MIN_SECRET_LENGTH: usize = 8;
/// Longer than any name, so that a longer quotation is content.
const MAX_QUOTED_NAME: usize = 64;
/// Request fields whose texts are not redacted: they are not part of the prompt, and they explain a failure.
const PLAIN_FIELDS: [&str; 9] =
    ["model", "role", "type", "name", "id", "custom_id", "format", "media_type", "encoding_format"];
/// Prefixes of keys.
const KEY_PREFIXES: [&str; 10] =
    ["sk-", "sk_", "pk-", "rk-", "gsk_", "xai-", "hf_", "AIza", "Bearer", "key-"];

/// Replaces every quotation of the keys and of the request in `message` by `[…]`, and shortens it.
///
/// Providers quote both: the error for a wrong key contains parts of the key, and the error for a malformed request
/// contains the request.
pub(super) fn redact(message: &str, keys: &[SecretString], request: Option<&Value>) -> String {
    // Only the first characters are shown, of at most four bytes each. The rest need not be searched.
    let message = &message[..message.floor_char_boundary(4 * MAX_MESSAGE_CHARS)];
    let mut redacted = vec![false; message.len()];
    for key in keys {
        Substrings::new(message, MIN_KEY_MATCH).mark(key.expose_secret(), &mut redacted);
    }
    mark_words(message, &mut redacted);
    mark_quotes(message, &mut redacted);
    if let Some(request) = request {
        mark_texts(&Substrings::new(message, MIN_REQUEST_MATCH), request, &mut redacted);
    }
    let mut shown = String::new();
    let mut was_redacted = false;
    for (length, (at, character)) in message.char_indices().enumerate() {
        if length == MAX_MESSAGE_CHARS {
            shown.push('…');
            break;
        }
        let is_redacted = redacted[at..at + character.len_utf8()].contains(&true);
        if !is_redacted {
            shown.push(if character.is_control() { ' ' } else { character });
        } else if !was_redacted {
            shown.push_str("[…]");
        }
        was_redacted = is_redacted;
    }
    shown
}

/// Marks words that look like keys: by their prefix, or by asterisks with which the provider has masked them.
fn mark_words(message: &str, redacted: &mut [bool]) {
    let is_end = |character: char| character.is_whitespace() || "\"'`,;()[]{}<>=".contains(character);
    let mut begin = 0;
    for word in message.split(is_end) {
        // Skips the separator before the word: one character of any byte length.
        begin += message[begin..].find(word).unwrap_or(0);
        let is_key = word.len() >= 8
            && (word.contains("**") || KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
        if is_key {
            redacted[begin..begin + word.len()].fill(true);
        }
        begin += word.len();
    }
}

/// Marks long quotations, which can only be parts of the request or of a response.
fn mark_quotes(message: &str, redacted: &mut [bool]) {
    for quote in ['"', '\'', '`'] {
        let mut begin = None;
        let mut before = ' ';
        for (at, character) in message.char_indices() {
            if character == quote {
                begin = match begin {
                    Some(begin) => {
                        if at - begin > MAX_QUOTED_NAME {
                            redacted[begin..at].fill(true);
                        }
                        None
                    }
                    // After a letter or digit it is an apostrophe.
                    None if before.is_alphanumeric() => None,
                    None => Some(at + 1),
                };
            }
            before = character;
        }
        if let Some(begin) = begin.filter(|begin| message.len() - begin > MAX_QUOTED_NAME) {
            redacted[begin..].fill(true);
        }
    }
}

/// Marks quotations of all texts in the request, at any depth.
fn mark_texts(substrings: &Substrings<'_>, request: &Value, redacted: &mut [bool]) {
    match request {
        Value::String(text) if text.len() >= MIN_SECRET_LENGTH => substrings.mark(text, redacted),
        Value::Array(items) => items.iter().for_each(|item| mark_texts(substrings, item, redacted)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if !(value.is_string() && PLAIN_FIELDS.contains(&name.as_str())) {
                    mark_texts(substrings, value, redacted);
                }
            }
        }
        _ => {}
    }
}

/// All overlapping substrings of a message with the same length.
///
/// The message is short, and the request can contain a whole document or an image. So the message is indexed, and the
/// request is scanned once.
struct Substrings<'a> {
    message: &'a str,
    length: usize,
    all: HashSet<&'a [u8]>,
    /// Whether any substring begins with these two bytes: a fast test that fails for most of a document.
    prefixes: Vec<bool>,
}

impl<'a> Substrings<'a> {
    fn new(message: &'a str, length: usize) -> Self {
        let all: HashSet<&[u8]> = message.as_bytes().windows(length).collect();
        let mut prefixes = vec![false; 1 << 16];
        for substring in &all {
            prefixes[prefix(substring)] = true;
        }
        Self { message, length, all, prefixes }
    }

    /// Marks the substrings of the message that also occur in `text`. A `text` shorter than a substring is searched as a
    /// whole.
    fn mark(&self, text: &str, redacted: &mut [bool]) {
        if text.len() < self.length {
            for (at, text) in self.message.match_indices(text) {
                redacted[at..at + text.len()].fill(true);
            }
            return;
        }
        let windows = text.as_bytes().windows(self.length);
        let found: HashSet<&[u8]> = windows
            .filter(|substring| self.prefixes[prefix(substring)] && self.all.contains(substring))
            .collect();
        for (at, substring) in self.message.as_bytes().windows(self.length).enumerate() {
            if found.contains(substring) {
                redacted[at..at + self.length].fill(true);
            }
        }
    }
}

fn prefix(substring: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([substring[0], substring[1]]))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
