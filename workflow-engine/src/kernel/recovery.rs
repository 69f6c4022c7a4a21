//! Notices that a subscriber which refused everything accepts events again.
//!
//! During an outage of the subscriber each run's delivery backs off, in the end for minutes. When the subscriber is back,
//! they all are worth a try at once. But a single event that the subscriber never accepts must keep its backoff, however
//! many other events succeed: otherwise its retries would be used up in a moment.

use crate::value::RunId;

/// What this process has seen of a subscriber's refusals.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// Whether it refused events of several runs and has accepted none since.
    is_down: bool,
    /// The run that it refused last, since its last success.
    refused: Option<RunId>,
    /// Whether refused deliveries were tried early because a new event was accepted.
    is_probing: bool,
    /// Whether such a try was refused: the acceptance of a new event then says nothing about the refused ones.
    is_misled: bool,
}

impl Recovery {
    /// Notes that an event was refused, which was refused `attempts` times before.
    pub(super) fn refused(&mut self, run_id: RunId, attempts: u32) {
        self.is_down |= self.refused.is_some_and(|other| other != run_id);
        self.refused = Some(run_id);
        if attempts > 0 && std::mem::take(&mut self.is_probing) {
            self.is_misled = true;
        }
    }

    /// Notes that an event was accepted, which was refused `attempts` times before. Returns whether the refused
    /// deliveries are to be tried now.
    pub(super) fn accepted(&mut self, attempts: u32) -> bool {
        self.refused = None;
        self.is_misled &= attempts == 0;
        if !self.is_down || self.is_misled {
            return false;
        }
        self.is_down = false;
        self.is_probing = attempts == 0;
        true
    }

    /// Notes that the refused deliveries could not be made due.
    pub(super) fn missed(&mut self) {
        self.is_down = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_success_after_an_outage_counts_once() {
        let mut recovery = Recovery::default();
        recovery.refused(RunId::generate(), 0);
        recovery.refused(RunId::generate(), 0);
        assert!(recovery.accepted(0));
        assert!(!recovery.accepted(0));
    }

    #[test]
    fn one_run_that_is_always_refused_is_no_outage() {
        let (mut recovery, run_id) = (Recovery::default(), RunId::generate());
        for attempts in 0..10 {
            recovery.refused(run_id, attempts);
            assert!(!recovery.accepted(0));
        }
    }

    #[test]
    fn new_events_count_no_longer_once_the_refused_ones_stay_refused() {
        let mut recovery = Recovery::default();
        let runs = [RunId::generate(), RunId::generate()];
        for run_id in runs {
            recovery.refused(run_id, 0);
        }
        assert!(recovery.accepted(0));
        for attempts in 1..10 {
            for run_id in runs {
                recovery.refused(run_id, attempts);
            }
            assert!(!recovery.accepted(0));
        }
        assert!(recovery.accepted(3), "a refused event that is accepted counts");
    }
}
