//! Scans the text of a statement: checks that it is a single statement, and finds the arguments that it names.
//!
//! Two databases read the text with two grammars. The scan refuses every construct that they read differently (dollar
//! quotes, `E'…'`, backquotes, brackets, `?`), so a text outside of quotes here is outside of quotes in both.

use std::collections::BTreeSet;

/// The result of a scan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan<'a> {
    /// The first word of the text.
    pub(crate) first_word: &'a str,
    /// The numbers of the arguments that the text names.
    pub(crate) placeholders: BTreeSet<usize>,
}

/// Scans a text.
///
/// # Errors
/// When the text is empty, is more than one statement, or has a construct that the two databases read differently.
pub(crate) fn scan(sql: &str) -> Result<Scan<'_>, String> {
    let bytes = sql.as_bytes();
    let mut first_word = None;
    let mut placeholders = BTreeSet::new();
    let mut has_ended = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        let begin = at;
        at = match (byte, next) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => at + 1,
            (b'-', Some(b'-')) => skip_line(bytes, at)?,
            (b'/', Some(b'*')) => skip_comment(bytes, at)?,
            _ if has_ended => return Err("it is more than one statement".into()),
            (b';', _) => {
                has_ended = true;
                at + 1
            }
            (b'\'' | b'"', _) => skip_quoted(bytes, at, byte)?,
            (b'$', Some(b'0'..=b'9')) => {
                let end = end_of(bytes, at + 1, |byte| byte.is_ascii_digit());
                let number = sql[at + 1..end].parse().map_err(|_| "its arguments go too far".to_owned())?;
                placeholders.insert(number);
                end
            }
            (b'$', _) => {
                return Err("`$` is followed by the number of an argument; quote texts with `'`".into());
            }
            (b'?', _) => return Err("its arguments are `$1`, `$2` and so on, not `?`".into()),
            (b'[' | b'`', _) => {
                return Err(format!("quote names with `\"`, not with `{}`", char::from(byte)));
            }
            (0..=0x1f | 0x7f, _) => return Err("it has a control character".into()),
            _ if is_word(byte) => end_of(bytes, at, |byte| is_word(byte) || byte == b'$'),
            _ => at + 1,
        };
        if is_word(byte) {
            let word = &sql[begin..at];
            // `E'…'`, `U&'…'` and the like have escapes that only one of the two databases knows.
            let prefixed = match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'\''), _) => word.len() == 1 && !matches!(word, "x" | "X"),
                (Some(b'&'), Some(b'\'' | b'"')) => matches!(word, "u" | "U"),
                _ => false,
            };
            if prefixed {
                return Err(format!("it has a text that begins with `{word}'`; bind it as an argument"));
            }
            first_word.get_or_insert(word);
        } else if first_word.is_none() && !is_space_or_comment(byte, next) {
            let shown: String = sql[begin..].chars().take(16).collect();
            return Err(format!("it begins with `{shown}`"));
        }
    }
    let first_word = first_word.ok_or("it is empty")?;
    Ok(Scan { first_word, placeholders })
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

const fn is_space_or_comment(byte: u8, next: Option<u8>) -> bool {
    matches!((byte, next), (b' ' | b'\t' | b'\r' | b'\n', _) | (b'-', Some(b'-')) | (b'/', Some(b'*')))
}

fn end_of(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !belongs(byte)).map_or(bytes.len(), |length| from + length)
}

/// Skips a comment to the end of its line. PostgreSQL also ends a line at a carriage return, SQLite does not.
fn skip_line(bytes: &[u8], from: usize) -> Result<usize, String> {
    let end = end_of(bytes, from, |byte| byte != b'\n');
    let line = bytes[from..end].strip_suffix(b"\r").unwrap_or(&bytes[from..end]);
    if line.contains(&b'\r') { Err("it has a carriage return in a comment".into()) } else { Ok(end) }
}

/// Skips a comment. SQLite's comments do not nest, PostgreSQL's do.
fn skip_comment(bytes: &[u8], from: usize) -> Result<usize, String> {
    let mut at = from + 2;
    loop {
        match bytes.get(at..at + 2) {
            Some(b"*/") => return Ok(at + 2),
            Some(b"/*") => return Err("it has a comment in a comment".into()),
            Some(_) => at += 1,
            None => return Err("it has a comment without an end".into()),
        }
    }
}

/// Skips a quoted text. A quote within it is doubled.
fn skip_quoted(bytes: &[u8], from: usize, quote: u8) -> Result<usize, String> {
    let mut at = from + 1;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(&one), Some(&two)) if one == quote && two == quote => at += 2,
            (Some(&one), _) if one == quote => return Ok(at + 1),
            // A session of PostgreSQL may be configured to read it as an escape.
            (Some(b'\\'), _) => return Err("it has a quoted backslash; bind the text as an argument".into()),
            (Some(_), _) => at += 1,
            (None, _) => return Err("it has a quote without an end".into()),
        }
    }
}

#[cfg(test)]
mod tests;
