//! One rule of a schema, checked against a value.

use std::fmt;

use regex::Regex;
use serde_json::{Number, Value};

/// A keyword of JSON Schema that can be checked.
#[derive(Debug)]
pub(crate) enum FieldRule {
    AtLeast(Number),
    AtMost(Number),
    Below(Number),
    /// At least this number of a unit.
    Min(u64, &'static str),
    /// At most this number of a unit.
    Max(u64, &'static str),
    Pattern(Regex),
}

impl FieldRule {
    pub(crate) fn new(keyword: &str, value: &Value) -> Result<Option<Self>, regex::Error> {
        let number = || value.as_number().cloned();
        let count = || value.as_u64();
        Ok(match keyword {
            "minimum" => number().map(Self::AtLeast),
            "maximum" => number().map(Self::AtMost),
            "exclusiveMaximum" => number().map(Self::Below),
            "minLength" => count().map(|count| Self::Min(count, "character")),
            "maxLength" => count().map(|count| Self::Max(count, "character")),
            "minItems" => count().map(|count| Self::Min(count, "item")),
            "maxItems" => count().map(|count| Self::Max(count, "item")),
            "minProperties" => count().map(|count| Self::Min(count, "entry")),
            "maxProperties" => count().map(|count| Self::Max(count, "entry")),
            _ => value.as_str().map(Regex::new).transpose()?.map(Self::Pattern),
        })
    }

    /// Returns the value and the requirement, as a clause, if the value breaks the rule. `null` is an absent `Option` and
    /// breaks none.
    pub(crate) fn broken_by(&self, value: &Value) -> Option<String> {
        let allowed = match (self, value) {
            (_, Value::Null) => true,
            (Self::AtLeast(min), Value::Number(number)) => !less(number, min),
            (Self::AtMost(max), Value::Number(number)) => !less(max, number),
            (Self::Below(max), Value::Number(number)) => less(number, max),
            (Self::Min(min, _), value) => length(value).is_none_or(|length| length >= *min),
            (Self::Max(max, _), value) => length(value).is_none_or(|length| length <= *max),
            (Self::Pattern(pattern), Value::String(text)) => pattern.is_match(text),
            _ => true,
        };
        if allowed {
            return None;
        }
        Some(match self {
            Self::Min(_, unit) | Self::Max(_, unit) => {
                format!("has {}, but must have {self}", counted(length(value).unwrap_or_default(), unit))
            }
            _ => format!("is {}, but must {self}", shown(value)),
        })
    }
}

impl fmt::Display for FieldRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(min) => write!(f, "be at least {min}"),
            Self::AtMost(max) => write!(f, "be at most {max}"),
            Self::Below(max) => write!(f, "be less than {max}"),
            Self::Min(min, unit) => write!(f, "at least {}", counted(*min, unit)),
            Self::Max(max, unit) => write!(f, "at most {}", counted(*max, unit)),
            Self::Pattern(pattern) => write!(f, "match `{pattern}`"),
        }
    }
}

/// Compares whole numbers exactly: `f64` does not represent all of them.
fn less(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a < b,
        _ => a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a < b),
    }
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

fn counted(count: u64, unit: &str) -> String {
    match (count, unit) {
        (1, unit) => format!("1 {unit}"),
        (_, "entry") => format!("{count} entries"),
        (_, unit) => format!("{count} {unit}s"),
    }
}

/// The beginning of the value, to recognize it.
fn shown(value: &Value) -> String {
    const ENOUGH: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(ENOUGH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
