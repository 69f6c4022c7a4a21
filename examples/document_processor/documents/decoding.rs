//! Decodes bytes to text, with an error that describes other content.

use workflow_engine::prelude::*;

/// Returns the bytes as text, without a byte order mark.
///
/// # Errors
/// Permanent: the content is empty or not UTF-8 text.
pub fn decode(bytes: &[u8]) -> StageResult<&str> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(StageError::permanent("the document is empty"));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(StageError::permanent("the document is UTF-16; only UTF-8 text is supported"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text.trim_start_matches('\u{feff}')),
        Err(error) if !is_binary(bytes) => Err(StageError::permanent(format!(
            "the document is not UTF-8 text: byte {} is invalid",
            error.valid_up_to()
        ))),
        _ => Err(StageError::permanent("the document is binary; only text, Markdown and HTML are supported")),
    }
}

/// Text in an older encoding contains no control characters except line ends, tabs, form feeds and escapes.
fn is_binary(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(8 * 1024)];
    beginning.iter().any(|byte| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let error = decode(bytes).unwrap_err();
        assert!(!error.is_retryable(), "the same bytes fail in every attempt: {error}");
        error.message().to_owned()
    }

    #[test]
    fn a_byte_order_mark_is_removed() {
        assert_eq!(decode("\u{feff}Grüße".as_bytes()).unwrap(), "Grüße");
    }

    #[test]
    fn a_document_of_white_space_is_empty() {
        assert!(refusal(b"").contains("empty"));
        assert!(refusal(b" \r\n\t").contains("empty"));
    }

    #[test]
    fn binary_content_is_a_clear_error() {
        assert!(refusal(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").contains("binary"));
        assert!(refusal(b"text with a \0 inside").contains("binary"));
    }

    #[test]
    fn another_encoding_is_a_clear_error() {
        assert!(refusal(b"Gr\xfc\xdfe").contains("not UTF-8 text: byte 2"));
        assert!(refusal(b"\xff\xfeG\0r\0").contains("UTF-16"));
    }
}
