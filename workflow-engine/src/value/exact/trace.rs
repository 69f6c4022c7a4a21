//! The record of what a value tells a serializer, part by part: for the message about a value that does not survive.

use std::cell::RefCell;

use serde::Serialize;

use super::digest::digest_with;
use super::lossy::Lossy;
use super::path::text;
use super::recorder::{RecordedPart, Recorder, Rules};

/// The parts of a value in the order in which serde visits them.
pub(super) struct Trace(Vec<RecordedPart>);

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
        let mut others: Vec<&RecordedPart> = other.0.iter().collect();
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
