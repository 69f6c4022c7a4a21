//! The recorder of the parts of a value, for the message about one that does not survive.

use serde::ser::{Serialize, Serializer};

use super::lossy::Lossy;
use super::path::{Step, text};

/// Which values are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// None: the value is compared with what is read back.
    Typed,
    /// Those that no reader can distinguish from `null`.
    Untyped,
    /// Maps whose keys are not texts.
    Keys,
}

/// One part of a value, with its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RecordedPart {
    pub(super) path: String,
    pub(super) shown: String,
    pub(super) hash: u64,
}

/// Records the parts, and the path to the current one.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) steps: Vec<Step>,
    pub(super) parts: Vec<RecordedPart>,
}

impl Recorder {
    pub(super) fn enter(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// Records a part at the current path, and returns its index.
    pub(super) fn part(&mut self, shown: String, hash: u64) -> usize {
        self.parts.push(RecordedPart { path: text(&self.steps), shown, hash });
        self.parts.len() - 1
    }

    /// Describes a `Some` with what is in it.
    pub(super) fn wrap(&mut self, some: usize) {
        if let Some(inner) = self.parts.get(some + 1).map(|part| format!("Some({})", part.shown)) {
            self.parts[some].shown = inner;
        }
    }
}

/// Returns the text of a map's key as `serde_json` writes it.
pub(super) fn key_text<T: Serialize + ?Sized>(key: &T, rules: Rules) -> Result<String, Lossy> {
    struct Entry<'a, T: ?Sized>(&'a T);

    impl<T: Serialize + ?Sized> Serialize for Entry<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(self.0, ())])
        }
    }

    match serde_json::to_value(Entry(key)) {
        Ok(entry) => Ok(entry.as_object().and_then(|entry| entry.keys().next().cloned()).unwrap_or_default()),
        Err(error) if rules == Rules::Keys => {
            Err(Lossy::unreadable(String::new(), format_args!("a key of a map is not a text: {error}")))
        }
        Err(_) => Ok("?".to_owned()),
    }
}
