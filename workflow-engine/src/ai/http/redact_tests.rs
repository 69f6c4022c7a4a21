//! Messages in which providers quote keys and requests.

use secrecy::SecretString;
use serde_json::json;

use super::{MAX_MESSAGE_CHARS, redact};

#[test]
fn a_key_is_not_shown_in_any_of_its_parts() {
    let keys = [SecretString::from("proxy-7f3a9c51")];
    let redacted = |message| redact(message, &keys, None);
    assert_eq!(redacted("the key proxy-7f3a9c51 is wrong"), "the key […] is wrong");
    assert_eq!(redacted("it begins with `proxy-7f`"), "it begins with `[…]`");
    assert_eq!(redacted("it ends with 3a9c51."), "it ends with […].");
    assert_eq!(
        redacted("Incorrect API key provided: sk-proj-********wxyz. You can find it there."),
        "Incorrect API key provided: […] You can find it there.",
    );
    assert_eq!(redacted("(Bearer: AIzaSyD-1234567)"), "(Bearer: […])");
}

#[test]
fn the_request_is_not_shown() {
    let secret = "The launch is on 12 May, and it is secret.";
    let request = json!({
        "model": "gpt-5-mini-2026",
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": secret }] }],
        "pin": "12345678",
    });
    let redacted = |message: &str| redact(message, &[], Some(&request));
    assert_eq!(redacted(&format!("cannot parse: {secret}")), "cannot parse: […]");
    assert_eq!(redacted("near `launch is on 12 May, and`"), "near `[…]`");
    assert_eq!(redacted("12345678 is no pin"), "[…] is no pin");
    assert_eq!(
        redacted("the role user of gpt-5-mini-2026 has a text"),
        "the role user of gpt-5-mini-2026 has a text",
    );
}

#[test]
fn a_long_quotation_is_not_shown() {
    let long = "x ".repeat(40);
    assert_eq!(
        redact(&format!("it's wrong: '{long}', isn't it?"), &[], None),
        "it's wrong: '[…]', isn't it?"
    );
    assert_eq!(redact(&format!("input: \"{long}"), &[], None), "input: \"[…]");
    assert_eq!(redact("don't use 'top_p' with `o9`", &[], None), "don't use 'top_p' with `o9`");
}

#[test]
fn a_message_is_one_line_of_a_bounded_length() {
    assert_eq!(redact("one\ntwo\u{1b}[31m", &[], None), "one two [31m");
    let shown = redact(&"ż".repeat(5000), &[], None);
    assert_eq!(shown.chars().count(), MAX_MESSAGE_CHARS + 1);
    assert!(shown.ends_with("ż…"));
}
