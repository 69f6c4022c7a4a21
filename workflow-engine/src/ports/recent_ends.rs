//! The runs that may have ended lately.

use std::collections::VecDeque;

use crate::value::RunId;

/// How many ends are kept. A caller asks about the time since it has started its run.
const CAPACITY: usize = 256;

/// A point in the sequence of ends of one [`Hints`](super::Hints).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EndMark(u64);

/// The last ends, in their order.
#[derive(Debug, Default)]
pub(super) struct RecentEnds {
    /// The number of ends so far.
    count: u64,
    /// The last of them. Earlier ones are forgotten.
    runs: VecDeque<RunId>,
}

impl RecentEnds {
    /// Returns the mark of now.
    pub(super) const fn mark(&self) -> EndMark {
        EndMark(self.count)
    }

    /// Notes that a run may have ended.
    pub(super) fn push(&mut self, run_id: RunId) {
        if self.runs.len() == CAPACITY {
            self.runs.pop_front();
        }
        self.runs.push_back(run_id);
        self.count += 1;
    }

    /// Notes that any run may have ended.
    pub(super) fn forget(&mut self) {
        self.runs.clear();
        self.count += 1;
    }

    /// Returns whether it is known that the run has not ended since the mark.
    pub(super) fn is_open_since(&self, run_id: RunId, EndMark(mark): EndMark) -> bool {
        let Ok(since) = usize::try_from(self.count.saturating_sub(mark)) else { return false };
        since <= self.runs.len() && !self.runs.iter().rev().take(since).any(|ended| *ended == run_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_open_until_it_or_any_run_may_have_ended() {
        let [run, other] = [RunId::generate(), RunId::generate()];
        let mut ends = RecentEnds::default();
        ends.push(run);
        let mark = ends.mark();
        assert!(ends.is_open_since(run, mark), "an end before the mark");
        ends.push(other);
        assert!(ends.is_open_since(run, mark) && !ends.is_open_since(other, mark));
        ends.push(run);
        assert!(!ends.is_open_since(run, mark));

        let mark = ends.mark();
        ends.forget();
        assert!(!ends.is_open_since(run, mark) && ends.is_open_since(run, ends.mark()));
    }

    #[test]
    fn an_end_that_is_forgotten_is_not_denied() {
        let run = RunId::generate();
        let mut ends = RecentEnds::default();
        let mark = ends.mark();
        ends.push(run);
        for _ in 0..CAPACITY {
            ends.push(RunId::generate());
        }
        assert!(!ends.is_open_since(run, mark));
        assert!(!ends.is_open_since(RunId::generate(), mark));
    }
}
