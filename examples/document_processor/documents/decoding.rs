//! From bytes to text, with an error that says what the bytes are instead.

use workflow_engine::prelude::*;

/// The bytes as text, without a byte order mark.
///
/// # Errors
/// Permanent ones: there are no bytes, or they are not UTF-8 text.
pub fn decode(bytes: &[u8]) -> StageResult<&str> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StageError::permanent("the document is empty"));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(StageError::permanent("the document is UTF-16; only UTF-8 text is supported"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.trim_start_matches('\u{feff}')),
        Err(error) if !looks_binary(bytes) => Err(StageError::permanent(format!(
            "the document is not UTF-8 text: byte {} does not belong there",
            error.valid_up_to()
        ))),
        _ => Err(StageError::permanent("the document is binary; only text, Markdown and HTML are supported")),
    }
}

/// Text in an older encoding has no control characters but line ends, tabs, form feeds and escapes.
fn looks_binary(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(8 * 1024)];
    beginning.iter().any(|byte| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let error = decode(bytes).unwrap_err();
        assert!(!error.is_retryable(), "the same bytes fail again: {error}");
        error.message().to_owned()
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(decode("\u{feff}Grüße".as_bytes()).unwrap(), "Grüße");
    }

    #[test]
    fn nothing_but_blanks_is_empty() {
        assert!(refusal(b"").contains("empty"));
        assert!(refusal(b" \r\n\t").contains("empty"));
    }

    #[test]
    fn binary_content_is_named() {
        assert!(refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").contains("binary"));
        assert!(refusal(b"text with a \0 inside").contains("binary"));
    }

    #[test]
    fn other_encodings_are_named() {
        assert!(refusal(b"Gr\xfc\xdfe").contains("not UTF-8 text: byte 2"));
        assert!(refusal(b"\xff\xfeG\0r\0").contains("UTF-16"));
    }
}
