//! The path to a position in JSON text.

use std::fmt::Write as _;

/// A step of a path: an index, or a key.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Index(usize),
    Key(String),
}

/// Writes a path as Rust writes it: `orders[2].price`.
pub(super) fn text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        // Writing to a text cannot fail.
        let _ = match step {
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Key(key) if text.is_empty() => write!(text, "{key}"),
            Step::Key(key) => write!(text, ".{key}"),
        };
    }
    text
}

/// Returns the path to a position that `serde_json` reports, in compact JSON text: it has one line.
pub(super) fn path_at(json: &str, line: usize, column: usize) -> String {
    if line != 1 {
        return String::new();
    }
    let bytes = &json.as_bytes()[..column.min(json.len())];
    let mut steps: Vec<Option<Step>> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' => steps.push(None),
            b'[' => steps.push(Some(Step::Index(0))),
            b'}' | b']' => drop(steps.pop()),
            b',' => match steps.last_mut() {
                Some(Some(Step::Index(index))) => *index += 1,
                Some(key) => *key = None,
                None => {}
            },
            b'"' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(key @ None) = steps.last_mut() {
                    let key_text = json.get(start..=at).and_then(|key| serde_json::from_str(key).ok());
                    *key = Some(Step::Key(key_text.unwrap_or_default()));
                }
            }
            _ => {}
        }
        at += 1;
    }
    text(&steps.into_iter().flatten().collect::<Vec<_>>())
}
