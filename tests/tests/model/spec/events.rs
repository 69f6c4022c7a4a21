//! Events, as text with the fields that are compared.

use super::Run;

impl Run {
    pub(super) fn emit(&mut self, event: &str) {
        self.events.push(event.to_owned());
    }

    pub(super) fn emit_for(&mut self, event: &str, stage: usize) {
        self.events.push(format!("{event} {}", self.id_of(stage)));
    }

    pub(super) fn emit_attempt(&mut self, event: &str, stage: usize, attempt: u32) {
        self.events.push(format!("{event} {} {attempt}", self.id_of(stage)));
    }

    /// Emits `workflow:suspended` where a commit leaves no active stage, and a stage is suspended.
    pub(super) fn emit_suspended(&mut self, active_before: usize) {
        if active_before > 0 && self.active() == 0 && self.suspended() > 0 {
            self.emit("workflow:suspended");
        }
    }
}
