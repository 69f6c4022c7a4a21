//! Statements of the user that have waited for a lock.
//!
//! Decisions of this process that carry the same statement often wait for each other. While one of them has waited, they
//! take turns, so they do not meet in the server again and again.
//!
//! A statement may also wait for a lock that another program holds for minutes, and each of its tries then occupies a
//! connection without effect. So every other turn goes to the decision with the fewest tries: one that met a lock for a moment
//! does not wait behind those that have waited for long. The turns between go to the oldest, so none is passed over for
//! ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::records::Statement;

/// The contended statements, and the decisions that take turns.
#[derive(Debug)]
pub(super) struct ContendedStatements {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// How many further tries may run at the same time.
    capacity: usize,
    /// By text, the number of decisions that carry the statement, have waited for a lock, and are not committed.
    contended: BTreeMap<String, usize>,
    /// In the order of their ids.
    waiting: BTreeMap<u64, Waiter>,
    /// The tries in progress.
    running: BTreeMap<u64, Share>,
    next_id: u64,
    /// Whether the next turn goes to the decision with the fewest tries.
    prefers_youngest: bool,
}

/// What a try occupies.
#[derive(Clone, Debug)]
struct Share {
    texts: BTreeSet<String>,
    /// A further try also counts against the capacity.
    is_further: bool,
}

#[derive(Debug)]
struct Waiter {
    share: Share,
    /// The number of tries before this one.
    tries: u32,
    /// The number of its decision: the oldest has the lowest.
    age: u64,
    granted: oneshot::Sender<()>,
}

impl ContendedStatements {
    /// `capacity` is the number of further tries that may run at the same time.
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            capacity,
            contended: BTreeMap::new(),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            next_id: 0,
            prefers_youngest: true,
        };
        Self { state: Mutex::new(state) }
    }

    /// Notes that a decision with these statements has waited for a lock, until the result is dropped.
    pub(super) fn note<'a>(&'a self, texts: &'a BTreeSet<&'a str>) -> Contended<'a> {
        let mut state = self.state();
        for text in texts {
            *state.contended.entry((*text).to_owned()).or_default() += 1;
        }
        state.next_id += 1;
        Contended { all: self, texts, age: state.next_id, tries: 0 }
    }

    /// Waits for the turn of a decision that has not waited for a lock yet. Returns at once where none of its statements
    /// is contended.
    pub(super) async fn first_turn(&self, texts: &BTreeSet<&str>) -> Option<Turn<'_>> {
        let (turn, granted) = {
            let mut state = self.state();
            let texts = texts.iter().filter(|text| state.contended.contains_key(**text));
            let texts: BTreeSet<String> = texts.map(|text| (*text).to_owned()).collect();
            if texts.is_empty() {
                return None;
            }
            let age = state.next_id + 1;
            self.enqueue(&mut state, Share { texts, is_further: false }, 0, age)
        };
        let _ = granted.await;
        Some(turn)
    }

    fn enqueue<'a>(
        &'a self,
        state: &mut State,
        share: Share,
        tries: u32,
        age: u64,
    ) -> (Turn<'a>, oneshot::Receiver<()>) {
        state.next_id += 1;
        let (granted, receiver) = oneshot::channel();
        let id = state.next_id;
        state.waiting.insert(id, Waiter { share, tries, age, granted });
        state.grant();
        (Turn { all: self, id }, receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives turns until none of those that wait may begin.
    fn grant(&mut self) {
        while let Some(id) = self.next() {
            let Some(waiter) = self.waiting.remove(&id) else { return };
            self.running.insert(id, waiter.share);
            self.prefers_youngest = !self.prefers_youngest;
            // An error means that the decision waits no longer; it then drops its turn.
            let _ = waiter.granted.send(());
        }
    }

    fn next(&self) -> Option<u64> {
        let oldest = self.waiting.iter().min_by_key(|(_, waiter)| waiter.age);
        let (oldest_id, oldest) = oldest?;
        if !self.prefers_youngest && self.may_begin(&oldest.share) {
            return Some(*oldest_id);
        }
        // The oldest may need several statements, which are hardly ever free at the same time by themselves.
        let is_kept = |share: &Share| {
            oldest.share.texts.len() > 1 && share.texts.iter().any(|text| oldest.share.texts.contains(text))
        };
        let mut others: Vec<_> = self.waiting.iter().collect();
        others.sort_by_key(|(id, waiter)| {
            let tries = if self.prefers_youngest { waiter.tries } else { 0 };
            (tries, waiter.age, **id)
        });
        let may_begin = |(id, waiter): &(&u64, &Waiter)| {
            self.may_begin(&waiter.share) && (*id == oldest_id || !is_kept(&waiter.share))
        };
        others.into_iter().find(may_begin).map(|(id, _)| *id)
    }

    fn may_begin(&self, share: &Share) -> bool {
        let has_capacity = || self.running.values().filter(|share| share.is_further).count() < self.capacity;
        let is_free = |text| self.running.values().all(|running| !running.texts.contains(text));
        (!share.is_further || has_capacity()) && share.texts.iter().all(is_free)
    }
}

/// A decision that has waited for a lock.
pub(super) struct Contended<'a> {
    all: &'a ContendedStatements,
    texts: &'a BTreeSet<&'a str>,
    age: u64,
    /// The number of further tries.
    tries: u32,
}

impl<'a> Contended<'a> {
    /// Waits for the turn of a further try.
    pub(super) async fn further_turn(&mut self) -> Turn<'a> {
        self.tries += 1;
        let texts = self.texts.iter().map(|text| (*text).to_owned()).collect();
        let (turn, granted) = {
            let mut state = self.all.state();
            self.all.enqueue(&mut state, Share { texts, is_further: true }, self.tries, self.age)
        };
        let _ = granted.await;
        turn
    }
}

impl Drop for Contended<'_> {
    fn drop(&mut self) {
        let mut state = self.all.state();
        for text in self.texts {
            if let Some(decisions) = state.contended.get_mut(*text) {
                *decisions -= 1;
                if *decisions == 0 {
                    state.contended.remove(*text);
                }
            }
        }
    }
}

/// A place among those that take turns: first waiting, then running. Dropping it ends either.
pub(super) struct Turn<'a> {
    all: &'a ContendedStatements,
    id: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.all.state();
        state.waiting.remove(&self.id);
        state.running.remove(&self.id);
        state.grant();
    }
}

/// Returns the texts of the statements, each once.
pub(super) fn texts<'s>(statements: impl Iterator<Item = &'s [Statement]>) -> BTreeSet<&'s str> {
    statements.flatten().map(Statement::sql).collect()
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt;

    use super::*;

    /// Returns the turns that are given now, and keeps the others.
    fn begin<'a, F: Future<Output = Turn<'a>>>(waiting: &mut Vec<Pin<Box<F>>>) -> Vec<Turn<'a>> {
        let mut given = Vec::new();
        waiting.retain_mut(|turn| match turn.as_mut().now_or_never() {
            Some(turn) => {
                given.push(turn);
                false
            }
            None => true,
        });
        given
    }

    fn set<'a>(texts: &[&'a str]) -> BTreeSet<&'a str> {
        texts.iter().copied().collect()
    }

    /// Forty decisions have waited for long; one has met a lock for a moment.
    #[test]
    fn a_decision_that_waited_for_a_moment_does_not_wait_behind_those_that_waited_for_long() {
        let (all, texts) = (ContendedStatements::new(3), set(&["update"]));
        let mut blocked: Vec<_> = (0..40).map(|_| all.note(&texts)).collect();
        for decision in &mut blocked {
            decision.tries = 7;
        }
        let mut waiting: Vec<_> =
            blocked.iter_mut().map(|decision| Box::pin(decision.further_turn())).collect();
        let mut running = begin(&mut waiting);
        assert_eq!((running.len(), waiting.len()), (1, 39), "decisions with one statement take turns");

        let mut brief = all.note(&texts);
        let mut turn = Box::pin(brief.further_turn());
        let mut others = 0;
        while turn.as_mut().now_or_never().is_none() {
            running.clear();
            running.extend(begin(&mut waiting));
            others += 1;
            assert!(others <= 2, "it waits for at most two others");
        }
    }

    #[test]
    fn every_decision_gets_its_turn_although_younger_ones_follow() {
        let (all, texts) = (ContendedStatements::new(3), set(&["update"]));
        let first = all.note(&texts);
        drop(first);
        let mut old = all.note(&texts);
        old.tries = 9;
        let mut young: Vec<_> = (0..20).map(|_| all.note(&texts)).collect();
        let mut young = young.iter_mut();
        let mut running = Box::pin(young.next().unwrap().further_turn()).now_or_never();
        let mut turn = Box::pin(old.further_turn());
        let mut others = 0;
        while turn.as_mut().now_or_never().is_none() {
            let mut next = Box::pin(young.next().expect("the oldest gets every other turn").further_turn());
            assert!(next.as_mut().now_or_never().is_none());
            drop(running.take());
            running = next.now_or_never();
            others += 1;
        }
        assert!(others <= 2, "{others}");
    }

    #[test]
    fn a_decision_with_several_statements_gets_all_of_them() {
        let all = ContendedStatements::new(3);
        let (both, one, two) = (set(&["a", "b"]), set(&["a"]), set(&["b"]));
        let mut wide = all.note(&both);
        let mut pairs: Vec<_> = (0..8).map(|_| (all.note(&one), all.note(&two))).collect();
        let mut pairs = pairs.iter_mut();
        let (a, b) = pairs.next().unwrap();
        let mut running = [a.further_turn().now_or_never(), b.further_turn().now_or_never()];
        assert!(running.iter().all(Option::is_some));
        let mut turn = Box::pin(wide.further_turn());
        assert!(turn.as_mut().now_or_never().is_none());
        let mut waiting: Vec<_> =
            pairs.flat_map(|(a, b)| [Box::pin(a.further_turn()), Box::pin(b.further_turn())]).collect();
        assert!(waiting.iter_mut().all(|turn| turn.as_mut().now_or_never().is_none()));
        running[0].take();
        assert!(turn.as_mut().now_or_never().is_none());
        running[1].take();
        assert!(turn.as_mut().now_or_never().is_some(), "its statements were kept for it");
    }

    #[test]
    fn a_decision_that_waits_no_longer_leaves_its_turn_to_the_next() {
        let (all, texts) = (ContendedStatements::new(1), set(&["update"]));
        let (mut first, mut second, mut third) = (all.note(&texts), all.note(&texts), all.note(&texts));
        let running = first.further_turn().now_or_never().expect("no other decision runs");
        let mut dropped = Box::pin(second.further_turn());
        let mut last = Box::pin(third.further_turn());
        assert!(dropped.as_mut().now_or_never().is_none());
        assert!(last.as_mut().now_or_never().is_none());
        drop(running);
        drop(dropped);
        assert!(last.as_mut().now_or_never().is_some());
    }

    #[test]
    fn statements_that_never_waited_take_no_turns() {
        let (all, contended, free) = (ContendedStatements::new(1), set(&["a"]), set(&["b"]));
        let mut blocked = all.note(&contended);
        let _running = blocked.further_turn().now_or_never().expect("no other decision runs");
        assert!(all.first_turn(&free).now_or_never().expect("it does not wait").is_none());
        assert!(all.first_turn(&contended).now_or_never().is_none());
        drop(blocked);
    }
}
