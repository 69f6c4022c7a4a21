//! The fair order: the order in which a claim takes work, over all definitions of the claimant.
//!
//! Jobs, due checks and runs to start are one queue. Its order is defined at
//! [`JobTransport::claim_work`](crate::ports::JobTransport::claim_work). A claim reads the first few entries of each
//! definition and no queue to its end. SQLite and the store in memory merge them here. PostgreSQL locks the rows that it
//! finds, so it merges in its statement; the conformance suite checks that both orders agree.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::records::RunRecord;
use crate::value::{RunId, StageKey};

/// The definitions of a claimant, each once, with their places in a turn.
pub(super) struct FairOrder<'a> {
    definitions: Vec<&'a str>,
    /// The lower place is served first; of two equal ones, the entry that has waited longer.
    places: Vec<usize>,
    positions: HashMap<&'a str, usize>,
}

/// An entry of the queue: a job, or a run to start.
pub(super) struct QueueEntry<T> {
    /// The position of its definition among the claimant's.
    pub(super) position: usize,
    pub(super) priority: i32,
    /// Whether it is a run to start.
    pub(super) is_run: bool,
    /// The instant at which the job became due, or the run was created.
    pub(super) since: DateTime<Utc>,
    pub(super) run_id: RunId,
    /// Empty for a run.
    pub(super) stage_key: StageKey,
    pub(super) item: T,
}

impl<'a> FairOrder<'a> {
    /// Creates the order. Recently served definitions come after the others, the latest last.
    pub(super) fn new(definitions: &'a [String], recently_served: &[String]) -> Self {
        let served: HashMap<&str, usize> = recently_served.iter().map(String::as_str).zip(1..).collect();
        let mut order = Self { definitions: Vec::new(), places: Vec::new(), positions: HashMap::new() };
        for definition in definitions {
            let position = order.definitions.len();
            if order.positions.insert(definition, position).is_none() {
                order.definitions.push(definition);
                order.places.push(served.get(definition.as_str()).copied().unwrap_or(0));
            }
        }
        order
    }

    /// Returns the definitions.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory walks all entries")
    )]
    pub(super) fn definitions(&self) -> &[&'a str] {
        &self.definitions
    }

    /// Returns the places of the definitions, in the same order.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL merges in a statement"))]
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Returns the position of this definition.
    pub(super) fn position(&self, definition: &str) -> Option<usize> {
        self.positions.get(definition).copied()
    }

    /// Sorts the entries. It keeps at most `limit` of each definition: the first `limit` of the result cannot contain
    /// more of one.
    pub(super) fn sort<T>(&self, entries: Vec<QueueEntry<T>>, limit: usize) -> Vec<QueueEntry<T>> {
        let mut queues: Vec<Vec<QueueEntry<T>>> = self.definitions.iter().map(|_| Vec::new()).collect();
        for entry in entries {
            queues[entry.position].push(entry);
        }
        let mut turns = Vec::new();
        for mut queue in queues {
            if limit < queue.len() {
                queue.select_nth_unstable_by(limit, QueueEntry::cmp_in_queue);
                queue.truncate(limit);
            }
            queue.sort_by(QueueEntry::cmp_in_queue);
            let (mut priority, mut turn) = (None, 0_usize);
            for entry in queue {
                turn = if priority == Some(entry.priority) { turn + 1 } else { 0 };
                priority = Some(entry.priority);
                turns.push((turn, entry));
            }
        }
        turns.sort_by(|(turn, a), (other, b)| {
            let place =
                |turn, entry: &QueueEntry<T>| (Reverse(entry.priority), turn, self.places[entry.position]);
            place(*turn, a).cmp(&place(*other, b)).then_with(|| a.cmp_age(b))
        });
        turns.into_iter().map(|(_, entry)| entry).collect()
    }
}

impl<T> QueueEntry<T> {
    /// Creates the entry of a run to start, if its definition is among the claimant's.
    pub(super) fn run<R: Borrow<RunRecord>>(
        order: &FairOrder<'_>,
        run: R,
        item: impl FnOnce(R) -> T,
    ) -> Option<Self> {
        let RunRecord { id: run_id, priority, created_at: since, definition_fingerprint, .. } = run.borrow();
        let position = order.position(definition_fingerprint)?;
        let (run_id, priority, since) = (*run_id, *priority, *since);
        let stage_key = StageKey::default();
        Some(Self { position, priority, is_run: true, since, run_id, stage_key, item: item(run) })
    }

    /// Compares two entries of one definition.
    fn cmp_in_queue(&self, other: &Self) -> Ordering {
        let place = |entry: &Self| (Reverse(entry.priority), entry.is_run);
        place(self).cmp(&place(other)).then_with(|| self.cmp_age(other))
    }

    fn cmp_age(&self, other: &Self) -> Ordering {
        let age = |entry: &Self| (entry.since, entry.run_id);
        age(self).cmp(&age(other)).then_with(|| self.stage_key.cmp(&other.stage_key))
    }
}
