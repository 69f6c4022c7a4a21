//! One pass over well-formed JSON text, for values that the grammar allows but `serde_json` does not read.

use super::unstorable::{MAX_DEPTH, Unstorable};

/// Refuses too deep nesting, single halves of surrogate pairs, and numbers out of the range of `f64`.
pub(crate) fn scan(text: &str) -> Result<(), Unstorable> {
    let bytes = text.as_bytes();
    let mut depth = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Unstorable::TooDeep { at });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                at = string(bytes, at + 1)?;
                continue;
            }
            b'-' | b'0'..=b'9' => {
                at = number(text, at)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Returns the end of the string whose opening quotation mark is before `at`.
fn string(bytes: &[u8], mut at: usize) -> Result<usize, Unstorable> {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => at = escape(bytes, at)?,
            _ => at += 1,
        }
    }
    Ok(at)
}

/// Returns the end of the escape that begins at `at`. `\ud800` to `\udbff` are first halves, `\udc00` to `\udfff`
/// second ones.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Unstorable> {
    match unit(bytes, at) {
        None => Ok(at + 2),
        Some(0xD800..0xDC00) => match unit(bytes, at + 6) {
            Some(0xDC00..0xE000) => Ok(at + 12),
            _ => Err(Unstorable::LoneSurrogate { at }),
        },
        Some(0xDC00..0xE000) => Err(Unstorable::LoneSurrogate { at }),
        Some(_) => Ok(at + 6),
    }
}

/// The code unit of `\uXXXX` at this position.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns the end of the number that begins at `at`.
fn number(text: &str, at: usize) -> Result<usize, Unstorable> {
    let rest = &text[at..];
    let length = rest
        .find(|sign: char| !matches!(sign, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
        .unwrap_or(rest.len());
    let digits = &rest[..length];
    // The largest `f64` has 309 digits: shorter ones without an exponent are within its range.
    let may_be_large = length > 300 || digits.contains(['e', 'E']);
    if may_be_large && digits.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(Unstorable::NumberOutOfRange { at });
    }
    Ok(at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_can_be_read_back_passes() {
        let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        let sound = [
            "null",
            r#"{"a": [1, -2.5e300, 340282366920938463463374607431768211455], "b": "[[{\"\\"}"#,
            r#""\u0000 \ud83e\udd80 \\ud800 é 🦀""#,
            "1e308",
            &deep,
        ];
        for text in sound {
            assert_eq!(scan(text), Ok(()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_read_back_is_reported_with_its_position() {
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        let unsound = [
            (deep.as_str(), Unstorable::TooDeep { at: 127 }),
            (r#"["a", "\ud800"]"#, Unstorable::LoneSurrogate { at: 7 }),
            (r#""\udc00\ud800""#, Unstorable::LoneSurrogate { at: 1 }),
            (r#""\ud800\ud800""#, Unstorable::LoneSurrogate { at: 1 }),
            (r#"{"a": 1e131072}"#, Unstorable::NumberOutOfRange { at: 6 }),
            ("[-1E309]", Unstorable::NumberOutOfRange { at: 1 }),
        ];
        for (text, expected) in unsound {
            assert_eq!(scan(text), Err(expected), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
        let long = "9".repeat(400);
        assert_eq!(scan(&long), Err(Unstorable::NumberOutOfRange { at: 0 }));
    }
}
