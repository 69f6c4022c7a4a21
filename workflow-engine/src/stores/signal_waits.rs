//! Lists of stages that wait for a signal.

use crate::records::SignalWait;

/// Sorts waits of several stages, and returns the first of them.
pub(super) fn merged(mut waits: Vec<SignalWait>, limit: usize) -> Vec<SignalWait> {
    waits.sort_by(|a, b| (a.deadline, a.run_id, &a.stage_id).cmp(&(b.deadline, b.run_id, &b.stage_id)));
    waits.truncate(limit);
    waits
}
