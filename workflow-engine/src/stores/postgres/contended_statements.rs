//! Statements of the user that have waited for a lock.
//!
//! Decisions of this process that carry the same statement often wait for each other. While one of them has waited, they
//! take turns, in the order of their statements' texts, so they do not meet in the server again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::records::Statement;

/// The contended statements, by text.
#[derive(Debug, Default)]
pub(super) struct ContendedStatements {
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    /// The number of decisions that carry the statement, have waited for a lock, and are not committed.
    decisions: usize,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl ContendedStatements {
    /// Notes that a decision with these statements has waited for a lock, until the result is dropped.
    pub(super) fn note<'a>(&'a self, texts: &'a BTreeSet<&'a str>) -> Contended<'a> {
        let mut entries = self.entries();
        for text in texts {
            entries.entry((*text).to_owned()).or_default().decisions += 1;
        }
        Contended { all: self, texts }
    }

    /// Waits for the turn of a decision with these statements. Returns at once where none of them is contended.
    pub(super) async fn turn(&self, texts: &BTreeSet<&str>) -> Vec<OwnedMutexGuard<()>> {
        let turns: Vec<_> = {
            let entries = self.entries();
            // In the order of the texts, so that no two decisions wait for each other here.
            texts.iter().filter_map(|text| Some(Arc::clone(&entries.get(*text)?.turn))).collect()
        };
        let mut taken = Vec::with_capacity(turns.len());
        for turn in turns {
            taken.push(turn.lock_owned().await);
        }
        taken
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // Nothing panics under this lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A decision that has waited for a lock.
pub(super) struct Contended<'a> {
    all: &'a ContendedStatements,
    texts: &'a BTreeSet<&'a str>,
}

impl Drop for Contended<'_> {
    fn drop(&mut self) {
        let mut entries = self.all.entries();
        for text in self.texts {
            if let Some(entry) = entries.get_mut(*text) {
                entry.decisions -= 1;
                if entry.decisions == 0 {
                    entries.remove(*text);
                }
            }
        }
    }
}

/// Returns the texts of the statements, each once.
pub(super) fn texts<'s>(statements: impl Iterator<Item = &'s [Statement]>) -> BTreeSet<&'s str> {
    statements.flatten().map(Statement::sql).collect()
}
