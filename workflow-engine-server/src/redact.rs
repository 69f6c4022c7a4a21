//! Hidden fields of payloads.

use std::borrow::Cow;

use workflow_engine::Json;

/// What stands for a hidden value.
const HIDDEN: &str = "\"[hidden]\"";

/// Replaces the values of fields with certain names. Every other byte of a payload stays as it is stored.
#[derive(Debug)]
pub(crate) struct Redactor {
    names: Vec<String>,
}

impl Redactor {
    pub(crate) fn new(names: &[String]) -> Self {
        Self { names: names.iter().map(|name| name.to_lowercase()).collect() }
    }

    /// Returns whether fields of this name are hidden.
    pub(crate) fn hides(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.names.contains(&name)
    }

    /// Returns the value without its hidden fields.
    pub(crate) fn json(&self, json: &Json) -> Json {
        match self.text(json.as_str()) {
            Cow::Borrowed(_) => json.clone(),
            // It replaces values by values, so the text stays JSON.
            Cow::Owned(text) => Json::parse(&text).unwrap_or_else(|_| Json::null()),
        }
    }

    /// Returns the JSON text without its hidden fields.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.names.is_empty() {
            return text.into();
        }
        let bytes = text.as_bytes();
        let mut redacted = String::new();
        let (mut at, mut copied) = (0, 0);
        while at < bytes.len() {
            if bytes[at] != b'"' {
                at += 1;
                continue;
            }
            let name_end = end_of_string(bytes, at);
            let name: Result<String, _> = serde_json::from_str(&text[at..name_end]);
            let colon = skip_space(bytes, name_end);
            // Only the name of a field is followed by a colon.
            if bytes.get(colon) != Some(&b':') {
                at = name_end;
                continue;
            }
            let start = skip_space(bytes, colon + 1);
            at = start;
            if name.is_ok_and(|name| self.hides(&name)) {
                let end = end_of_value(bytes, start);
                redacted.push_str(&text[copied..start]);
                redacted.push_str(HIDDEN);
                (at, copied) = (end, end);
            }
        }
        if copied == 0 {
            return text.into();
        }
        redacted.push_str(&text[copied..]);
        redacted.into()
    }
}

/// Returns the place after the string that begins here.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the place after the value that begins here.
fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 1 => depth -= 1,
            // Of the value itself.
            b'}' | b']' if depth == 1 => return at + 1,
            // A number or a word has ended.
            b'}' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::Redactor;

    #[test]
    fn only_the_values_of_hidden_fields_change() {
        let redactor = Redactor::new(&["password".into(), "api_key".into()]);
        for (given, shown) in [
            (
                r#"{"a": 9007199254740993 , "Password":"x\"}","b":[1.0]}"#,
                r#"{"a": 9007199254740993 , "Password":"[hidden]","b":[1.0]}"#,
            ),
            (r#"{"api_key":{"password":[1,{"x":"]"}]},"z":1}"#, r#"{"api_key":"[hidden]","z":1}"#),
            (
                r#"[{"password": 12},{"password":null }, "password"]"#,
                r#"[{"password": "[hidden]"},{"password":"[hidden]" }, "password"]"#,
            ),
            (r#"{"p\u0061ssword" : true}"#, r#"{"p\u0061ssword" : "[hidden]"}"#),
            (r#""password""#, r#""password""#),
            (r#"{"x":"\"password\":1"}"#, r#"{"x":"\"password\":1"}"#),
        ] {
            assert_eq!(redactor.text(given), shown);
        }
    }
}
