//! Tests of rows as JSON.

use super::*;

#[test]
fn rows_are_json_that_serde_reads_back() {
    let texts = ["", "plain", "a\"b\\c", "\u{0}\u{1f}\n\t", "größe 漢字 🦀", r#"{"a":"\u0000"}"#];
    let mut rows = JsonRows::default();
    assert!(rows.is_empty());
    for text in texts {
        rows.push(|row| {
            row.text(text).int(u64::MAX).int(-5).maybe_text(None).text("id");
        });
    }
    let read: Vec<(String, i64, i64, Option<String>, String)> = serde_json::from_str(&rows.finish()).unwrap();
    let read: Vec<_> = read.into_iter().map(|row| row.0).collect();
    assert_eq!(read, texts);
    assert_eq!(JsonRows::default().finish(), "[]");
}
