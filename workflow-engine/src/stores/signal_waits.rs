//! Lists of stages that wait for a signal.

use crate::records::SignalWait;

/// Sorts waits of several stages, and returns the first of them.
pub(super) fn merged(mut waits: Vec<SignalWait>, limit: usize) -> Vec<SignalWait> {
    waits.sort_by(|a, b| {
        let position = |wait: &SignalWait| (wait.deadline, wait.run_id);
        position(a).cmp(&position(b)).then_with(|| (&a.stage_id, &a.place).cmp(&(&b.stage_id, &b.place)))
    });
    waits.truncate(limit);
    waits
}
