//! Events, as text that says what matters of them.

use super::Run;

impl Run {
    pub(super) fn tell(&mut self, event: &str) {
        self.events.push(event.to_owned());
    }

    pub(super) fn tell_of(&mut self, event: &str, stage: usize) {
        self.events.push(format!("{event} {}", self.id_of(stage)));
    }

    pub(super) fn tell_attempt(&mut self, event: &str, stage: usize, attempt: u32) {
        self.events.push(format!("{event} {} {attempt}", self.id_of(stage)));
    }

    /// `workflow:suspended`, where a commit took the last stage that could go on, and one waits.
    pub(super) fn tell_standstill(&mut self, active_before: usize) {
        if active_before > 0 && self.active() == 0 && self.suspended() > 0 {
            self.tell("workflow:suspended");
        }
    }
}
