//! The record of what a value tells a serializer, part by part: for the message about a value that does not survive.

use std::cell::RefCell;

use serde::Serialize;

use super::digest::digest_with;
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

/// The parts of a value in the order in which serde visits them.
pub(super) struct Trace(Vec<Part>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    path: String,
    shown: String,
    hash: u64,
}

/// Records the parts, and the path to the current one.
#[derive(Default)]
pub(super) struct Recorder {
    steps: Vec<Step>,
    parts: Vec<Part>,
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
        self.parts.push(Part { path: text(&self.steps), shown, hash });
        self.parts.len() - 1
    }

    /// Describes a `Some` with what is in it.
    pub(super) fn wrap(&mut self, some: usize) {
        if let Some(inner) = self.parts.get(some + 1).map(|part| format!("Some({})", part.shown)) {
            self.parts[some].shown = inner;
        }
    }
}

impl Trace {
    /// Returns the parts of a value.
    ///
    /// # Errors
    /// If the rules refuse it, or an error of its `Serialize`, with the path.
    pub(super) fn of<T: Serialize + ?Sized>(value: &T, rules: Rules) -> Result<Self, Lossy> {
        let recorder = RefCell::<Recorder>::default();
        let result = digest_with(value, rules, Some(&recorder));
        let Recorder { steps, parts } = recorder.into_inner();
        match result {
            Ok(_) => Ok(Self(parts)),
            // An error leaves the path at the part that caused it.
            Err(fault) => Err(fault.at(text(&steps))),
        }
    }

    /// Returns the path of the first difference, and what is there on both sides.
    pub(super) fn difference(mut self, other: &Self) -> (String, String, String) {
        let mut others: Vec<&Part> = other.0.iter().collect();
        // The order of a hash map is another one when it is read back.
        self.0.sort_by(|a, b| a.path.cmp(&b.path));
        others.sort_by(|a, b| a.path.cmp(&b.path));
        let mut others = others.into_iter();
        for part in self.0 {
            match others.next() {
                Some(other) if *other == part => {}
                Some(other) if other.path == part.path && other.shown == part.shown => {
                    return (part.path, quoted(&part.shown), "another value".to_owned());
                }
                Some(other) if other.path == part.path => {
                    return (part.path, quoted(&part.shown), quoted(&other.shown));
                }
                Some(_) | None => return (part.path, quoted(&part.shown), "nothing".to_owned()),
            }
        }
        (String::new(), "the value".to_owned(), "another value".to_owned())
    }
}

fn quoted(shown: &str) -> String {
    format!("`{shown}`")
}
