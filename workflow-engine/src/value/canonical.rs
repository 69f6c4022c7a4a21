//! The canonical text of a JSON value: two texts of the same value have the same one, whichever program wrote them.
//!
//! Keys are sorted, texts have one way to write each character, and numbers have one way to write each number. It works
//! on text, because a `serde_json::Value` depends on the features of `serde_json` that other crates turn on, and loses
//! the digits of large numbers.

use std::fmt::Write as _;

/// The deepest nesting. A request holds values of the usual limit in arrays and objects of its own.
const MAX_DEPTH: usize = super::MAX_DEPTH + 8;

/// Returns the canonical text of a well-formed JSON text; `None` if it is nested too deeply.
pub(crate) fn canonical(json: &str) -> Option<String> {
    let mut out = String::with_capacity(json.len());
    Reader { json, at: 0 }.value(&mut out, 0)?;
    Some(out)
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, out: &mut String, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.next_byte() {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => {
                out.push_str(&self.string());
                Some(())
            }
            _ => {
                let end = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
                let rest = &self.json.as_bytes()[self.at..];
                let length = rest.iter().position(|byte| end(*byte)).unwrap_or(rest.len());
                write_scalar(out, &self.json[self.at..self.at + length]);
                self.at += length;
                Some(())
            }
        }
    }

    fn array(&mut self, out: &mut String, depth: usize) -> Option<()> {
        out.push('[');
        self.at += 1;
        while self.next_byte() != b']' {
            self.value(out, depth + 1)?;
            out.push(',');
            self.skip_comma();
        }
        self.at += 1;
        out.push(']');
        Some(())
    }

    fn object(&mut self, out: &mut String, depth: usize) -> Option<()> {
        let mut entries: Vec<(String, String)> = Vec::new();
        self.at += 1;
        while self.next_byte() != b'}' {
            let key = self.string();
            // The colon.
            self.next_byte();
            self.at += 1;
            let mut value = String::new();
            self.value(&mut value, depth + 1)?;
            entries.push((key, value));
            self.skip_comma();
        }
        self.at += 1;
        // Stable, because of two equal keys the last one counts.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        out.push('{');
        for (key, value) in entries {
            // Writing to a text cannot fail.
            let _ = write!(out, "{key}:{value},");
        }
        out.push('}');
        Some(())
    }

    /// Reads a string, with its quotation marks.
    fn string(&mut self) -> String {
        let (bytes, start) = (self.json.as_bytes(), self.at);
        self.at += 1;
        while bytes.get(self.at).is_some_and(|byte| *byte != b'"') {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let raw = self.json.get(start..self.at).unwrap_or_default();
        if !raw.contains('\\') {
            return raw.to_owned();
        }
        // Half of a surrogate pair is no text, and stays as it is written.
        let text = serde_json::from_str::<String>(raw).and_then(|text| serde_json::to_string(&text));
        text.unwrap_or_else(|_| raw.to_owned())
    }

    /// Skips white space, and returns the next byte without taking it. The text is well-formed, so there is one.
    fn next_byte(&mut self) -> u8 {
        let bytes = self.json.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(b']')
    }

    fn skip_comma(&mut self) {
        if self.next_byte() == b',' {
            self.at += 1;
        }
    }
}

/// Writes `true`, `false`, `null` or a number.
fn write_scalar(out: &mut String, text: &str) {
    match decimal(text) {
        Some((digits, exponent)) => drop(write!(out, "{digits}e{exponent}")),
        None => out.push_str(text),
    }
}

/// Returns the significant digits of a number, with its sign, and the exponent of ten: `-1.50e3` is `-15` and 2.
fn decimal(text: &str) -> Option<(String, i64)> {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(("0".to_owned(), 0));
    }
    let length = |text: &str| i64::try_from(text.len()).ok();
    let exponent =
        exponent.checked_sub(length(fraction)?)?.checked_add(length(digits)? - length(significant)?)?;
    Some((format!("{sign}{significant}"), exponent))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn texts_of_the_same_value_have_one_form() {
        for texts in [
            &[r#"{"b": [1, {"d":null,"c":true}], "a": "x"}"#, r#"{"a":"x","b":[1,{"c":true,"d":null}]}"#][..],
            &["1", "1.0", "10e-1", "0.1E+1", "1.000"],
            &["0", "-0", "0.0", "0e7"],
            &["-150", "-1.5e2", "-150.00"],
            &[r#""a/é""#, r#""\u0061\/\u00e9""#],
            &["[]", " [ ] "],
            &[r#"{"a":1}"#, r#"{ "\u0061" : 1.0 }"#],
        ] {
            let forms: Vec<String> = texts.iter().map(|text| canonical(text).unwrap()).collect();
            assert!(forms.iter().all(|form| *form == forms[0]), "{forms:?}");
        }
    }

    #[test]
    fn other_values_have_other_forms() {
        let texts = [
            "1",
            "-1",
            "10",
            "0.1",
            "\"1\"",
            "true",
            "null",
            "[1]",
            "[[1]]",
            "[1,1]",
            "[]",
            "{}",
            "{\"1\":1}",
            "340282366920938463463374607431768211455",
            "340282366920938463463374607431768211454",
            "0.1000000000000000000000001",
            "1e400",
            "1e401",
            r#""\ud800""#,
            r#""\udc00""#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"a":1}"#,
            r#"{"a":[],"b":{}}"#,
            r#"{"a":{},"b":[]}"#,
            "\",\"",
            "\"]\"",
        ];
        for (index, text) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                assert_ne!(canonical(text), canonical(other), "{text} {other}");
            }
        }
    }

    #[test]
    fn a_value_that_is_nested_too_deeply_has_none() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(canonical(&nested(127)).is_some());
        assert_eq!(canonical(&nested(100_000)), None);
    }
}
