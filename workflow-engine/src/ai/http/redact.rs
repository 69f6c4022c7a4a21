//! Takes out of a provider's words what nobody may read in a log.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Of a message, in characters.
const LONGEST_MESSAGE: usize = 400;
/// As many bytes of the request, one after the other, are no accident.
const REPEATED: usize = 16;
/// As many bytes of a key neither.
const OF_A_KEY: usize = 6;
/// Shorter texts of the request, such as `user` or `auto`, are words of the wire format.
const SHORTEST: usize = 8;
/// Longer than any name.
const LONGEST_QUOTE: usize = 64;
/// Fields of requests whose texts say nothing of the prompt, and explain a failure.
const PLAIN: [&str; 9] =
    ["model", "role", "type", "name", "id", "custom_id", "format", "media_type", "encoding_format"];
/// What keys begin with.
const PREFIXES: [&str; 10] = ["sk-", "sk_", "pk-", "rk-", "gsk_", "xai-", "hf_", "AIza", "Bearer", "key-"];

/// `message` without what it repeats of the keys and of the request, and not too long.
///
/// Providers do both: a wrong key is answered with parts of it, and a request that cannot be read with all of it.
pub(super) fn redact(message: &str, keys: &[SecretString], request: Option<&Value>) -> String {
    // More of it is not shown, and need not be looked at.
    let message = &message[..message.floor_char_boundary(4 * LONGEST_MESSAGE)];
    let mut hidden = vec![false; message.len()];
    for key in keys {
        Pieces::new(message, OF_A_KEY).mark(key.expose_secret(), &mut hidden);
    }
    mark_words(message, &mut hidden);
    mark_quotes(message, &mut hidden);
    if let Some(request) = request {
        mark_texts(&Pieces::new(message, REPEATED), request, &mut hidden);
    }
    let mut shown = String::new();
    let mut was_hidden = false;
    for (length, (at, character)) in message.char_indices().enumerate() {
        if length == LONGEST_MESSAGE {
            shown.push('…');
            break;
        }
        let is_hidden = hidden[at..at + character.len_utf8()].contains(&true);
        if !is_hidden {
            shown.push(if character.is_control() { ' ' } else { character });
        } else if !was_hidden {
            shown.push_str("[…]");
        }
        was_hidden = is_hidden;
    }
    shown
}

/// Words that look like keys: by their beginning, or by the stars that a provider has put in.
fn mark_words(message: &str, hidden: &mut [bool]) {
    let is_end = |character: char| character.is_whitespace() || "\"'`,;()[]{}<>=".contains(character);
    let mut begin = 0;
    for word in message.split(is_end) {
        // After what separates this word from the last one: one character, of any length.
        begin += message[begin..].find(word).unwrap_or(0);
        let is_key = word.len() >= 8
            && (word.contains("**") || PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
        if is_key {
            hidden[begin..begin + word.len()].fill(true);
        }
        begin += word.len();
    }
}

/// What is quoted at length: nobody quotes anything as long but what was sent, or what the model has said.
fn mark_quotes(message: &str, hidden: &mut [bool]) {
    for quote in ['"', '\'', '`'] {
        let mut begin = None;
        let mut before = ' ';
        for (at, character) in message.char_indices() {
            if character == quote {
                begin = match begin {
                    Some(begin) => {
                        if at - begin > LONGEST_QUOTE {
                            hidden[begin..at].fill(true);
                        }
                        None
                    }
                    // Between letters it is an apostrophe.
                    None if before.is_alphanumeric() => None,
                    None => Some(at + 1),
                };
            }
            before = character;
        }
        if let Some(begin) = begin.filter(|begin| message.len() - begin > LONGEST_QUOTE) {
            hidden[begin..].fill(true);
        }
    }
}

/// All texts of the request, at any depth.
fn mark_texts(pieces: &Pieces<'_>, request: &Value, hidden: &mut [bool]) {
    match request {
        Value::String(text) if text.len() >= SHORTEST => pieces.mark(text, hidden),
        Value::Array(items) => items.iter().for_each(|item| mark_texts(pieces, item, hidden)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if !(value.is_string() && PLAIN.contains(&name.as_str())) {
                    mark_texts(pieces, value, hidden);
                }
            }
        }
        _ => {}
    }
}

/// A message in pieces of one length, which overlap.
///
/// The message is short and what it may repeat is a whole document, or a picture: so this is what is looked up in, and
/// the document is walked once.
struct Pieces<'a> {
    message: &'a str,
    length: usize,
    all: HashSet<&'a [u8]>,
    /// By their first two bytes: most of a document stops here.
    begun: Vec<bool>,
}

impl<'a> Pieces<'a> {
    fn new(message: &'a str, length: usize) -> Self {
        let all: HashSet<&[u8]> = message.as_bytes().windows(length).collect();
        let mut begun = vec![false; 1 << 16];
        for piece in &all {
            begun[beginning(piece)] = true;
        }
        Self { message, length, all, begun }
    }

    /// Marks what of the message is also in `text`, as long as a piece or longer; of a shorter text, all of it.
    fn mark(&self, text: &str, hidden: &mut [bool]) {
        if text.len() < self.length {
            for (at, text) in self.message.match_indices(text) {
                hidden[at..at + text.len()].fill(true);
            }
            return;
        }
        let windows = text.as_bytes().windows(self.length);
        let found: HashSet<&[u8]> =
            windows.filter(|piece| self.begun[beginning(piece)] && self.all.contains(piece)).collect();
        for (at, piece) in self.message.as_bytes().windows(self.length).enumerate() {
            if found.contains(piece) {
                hidden[at..at + self.length].fill(true);
            }
        }
    }
}

fn beginning(piece: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([piece[0], piece[1]]))
}

#[cfg(test)]
#[path = "redact_tests.rs"]
mod tests;
