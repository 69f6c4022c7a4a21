//! Who is next: the order of what waits for a worker, over all of its definitions.
//!
//! SQLite and the store in memory read the first of each definition and merge them here. PostgreSQL locks what it finds,
//! so there the statement says the same; conformance holds them together.

use std::borrow::Borrow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::records::RunRecord;
use crate::value::RunId;

/// The definitions of a claimer, each once, with their places in a turn.
pub(super) struct FairOrder<'a> {
    definitions: Vec<&'a str>,
    /// The lower is first; of two that have the same place, the one that has waited longer.
    places: Vec<usize>,
    positions: HashMap<&'a str, usize>,
}

/// Something that waits for a worker.
pub(super) struct QueueEntry<T> {
    /// The position of its definition among the claimer's.
    pub(super) position: usize,
    pub(super) priority: i32,
    /// Whether it is a run that nobody has started.
    pub(super) is_new: bool,
    /// When it became due, or was created.
    pub(super) since: DateTime<Utc>,
    pub(super) run_id: RunId,
    /// Empty for a run.
    pub(super) stage_id: String,
    pub(super) what: T,
}

impl<'a> FairOrder<'a> {
    /// Those that had a turn come after the others, the latest last.
    pub(super) fn new(definitions: &'a [String], served: &[String]) -> Self {
        let served: HashMap<&str, usize> = served.iter().map(String::as_str).zip(1..).collect();
        let mut turns = Self { definitions: Vec::new(), places: Vec::new(), positions: HashMap::new() };
        for definition in definitions {
            let position = turns.definitions.len();
            if turns.positions.insert(definition, position).is_none() {
                turns.definitions.push(definition);
                turns.places.push(served.get(definition.as_str()).copied().unwrap_or(0));
            }
        }
        turns
    }

    /// The definitions.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory looks at everything that waits")
    )]
    pub(super) fn definitions(&self) -> &[&'a str] {
        &self.definitions
    }

    /// Their places, in the same order.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL merges in a statement"))]
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// Where this definition stands among them.
    pub(super) fn position(&self, definition: &str) -> Option<usize> {
        self.positions.get(definition).copied()
    }

    /// The order of what waits. Of each definition it takes in no more than `limit`: the first ones are enough for the
    /// first `limit` of the answer, and nothing else of it is looked at.
    pub(super) fn order<T>(&self, waiting: Vec<QueueEntry<T>>, limit: usize) -> Vec<QueueEntry<T>> {
        let mut queues: Vec<Vec<QueueEntry<T>>> = self.definitions.iter().map(|_| Vec::new()).collect();
        for it in waiting {
            queues[it.position].push(it);
        }
        let mut turns = Vec::new();
        for mut queue in queues {
            if limit < queue.len() {
                queue.select_nth_unstable_by(limit, QueueEntry::in_its_queue);
                queue.truncate(limit);
            }
            queue.sort_by(QueueEntry::in_its_queue);
            let (mut priority, mut turn) = (None, 0_usize);
            for it in queue {
                turn = if priority == Some(it.priority) { turn + 1 } else { 0 };
                priority = Some(it.priority);
                turns.push((turn, it));
            }
        }
        turns.sort_by(|(turn, a), (other, b)| {
            let place = |turn, it: &QueueEntry<T>| (Reverse(it.priority), turn, self.places[it.position]);
            place(*turn, a).cmp(&place(*other, b)).then_with(|| a.by_age(b))
        });
        turns.into_iter().map(|(_, it)| it).collect()
    }
}

impl<T> QueueEntry<T> {
    /// A run that nobody has started, if its definition is among the claimer's.
    pub(super) fn run<R: Borrow<RunRecord>>(
        turns: &FairOrder<'_>,
        run: R,
        what: impl FnOnce(R) -> T,
    ) -> Option<Self> {
        let RunRecord { id: run_id, priority, created_at: since, definition_fingerprint, .. } = run.borrow();
        let position = turns.position(definition_fingerprint)?;
        let (run_id, priority, since) = (*run_id, *priority, *since);
        Some(Self {
            position,
            priority,
            is_new: true,
            since,
            run_id,
            stage_id: String::new(),
            what: what(run),
        })
    }

    fn in_its_queue(&self, other: &Self) -> Ordering {
        let place = |it: &Self| (Reverse(it.priority), it.is_new);
        place(self).cmp(&place(other)).then_with(|| self.by_age(other))
    }

    fn by_age(&self, other: &Self) -> Ordering {
        let age = |it: &Self| (it.since, it.run_id);
        age(self).cmp(&age(other)).then_with(|| self.stage_id.cmp(&other.stage_id))
    }
}
