//! The result of a measurement: one line of JSON, in the same format for the engine, the floor and the peers.

use std::collections::BTreeMap;

use crate::place::Kind;
use serde::{Deserialize, Serialize};

/// One measurement: `{"who":"engine","work":"w1","store":"sqlite","note":"16 submitters","runs_per_s":1234.5}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub who: String,
    pub work: String,
    pub store: String,
    /// The settings, as text.
    pub note: String,
    /// The figures, by name; the names include the units.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
}

impl Line {
    pub fn new(who: &str, work: &str, store: Kind, note: impl Into<String>) -> Self {
        let (who, work) = (who.to_owned(), work.to_owned());
        Self { who, work, store: store.to_string(), note: note.into(), figures: BTreeMap::new() }
    }

    pub fn extend(mut self, figures: impl IntoIterator<Item = (&'static str, f64)>) -> Self {
        self.figures.extend(figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)));
        self
    }
}
