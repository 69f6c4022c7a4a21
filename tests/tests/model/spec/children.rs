//! Children: a stage starts a run and waits for its end; what ends one of the two ends, or wakes, the other.

use workflow_engine::records::Status;

use super::{Reference, Run};
use crate::step::{End, Index};
use crate::workflows::starts_child;

/// The deadline of a run that has to end at once: it is before every clock, even one that was set back.
pub const AT_ONCE: u64 = 0;

/// What a check has read about the end of a child.
#[derive(Clone, Copy, Debug)]
pub enum ChildEnd {
    Open,
    Completed(u64),
    Failed(&'static str),
}

impl Reference {
    /// Creates the child of a stage, and returns its number.
    pub(super) fn start_child(&mut self, parent: Index, stage: usize) -> Index {
        let (child, run) = (self.runs.len(), &self.runs[parent]);
        let workflow = run.workflow.stages[stage].child_workflow_id().expect("the stage starts a run");
        let (priority, generation) = (run.priority, run.generation);
        let mut run = Run::of(workflow, priority, self.now);
        run.parent = Some((parent, stage, generation));
        self.runs.push(run);
        child
    }

    /// Returns what a check of a stage reads about the end of its child, if it waits for one.
    pub(super) fn child_end(&self, run: Index, stage: usize) -> Option<ChildEnd> {
        let child = &self.runs[self.runs[run].stages.get(stage)?.child?];
        Some(match child.status {
            Status::Completed => ChildEnd::Completed(child.output().expect("each child has an output")),
            Status::Failed => ChildEnd::Failed(child.error.expect("it has failed")),
            Status::Cancelled => ChildEnd::Failed("CHILD_CANCELLED"),
            _ => ChildEnd::Open,
        })
    }

    /// Changes a run with all that this means for its parent and its children: the first end of the run wakes the stage
    /// that waits for it, and the children of stages that fail or are cancelled are due to end.
    pub(super) fn with_links<T>(&mut self, run: Index, change: impl FnOnce(&mut Self) -> T) -> T {
        let is_open = |status: Status| !status.is_terminal();
        let was_open = is_open(self.runs[run].status);
        let stages = self.runs[run].stages.iter().enumerate();
        let open: Vec<usize> =
            stages.filter(|(_, stage)| is_open(stage.status)).map(|(stage, _)| stage).collect();
        let changed = change(self);
        for stage in open {
            if matches!(self.runs[run].stages[stage].status, Status::Failed | Status::Cancelled) {
                self.end_child(run, stage);
            }
        }
        if was_open && !is_open(self.runs[run].status) {
            let deadline = &mut self.runs[run].deadline_at;
            *deadline = deadline.filter(|deadline| *deadline != AT_ONCE);
            self.wake_parent(run);
        }
        changed
    }

    /// Lets the end of the child be due for which a stage waits.
    pub(super) fn end_child(&mut self, run: Index, stage: usize) {
        let Some(child) = self.runs[run].stages[stage].child else { return };
        let child = &mut self.runs[child];
        if !child.status.is_terminal() {
            child.deadline_at = Some(AT_ONCE);
            child.has_cancel_reason = true;
        }
    }

    fn wake_parent(&mut self, child: Index) {
        let now = self.now;
        let Some((parent, stage, _)) = self.runs[child].parent else { return };
        let Some(waiting) = self.runs[parent].stages.get_mut(stage) else { return };
        if waiting.status == Status::Suspended && waiting.child == Some(child) {
            waiting.job.as_mut().expect("a suspended stage has a job").wake(now);
        }
    }

    /// Returns whether the outcome of an attempt creates a run.
    pub fn creates_child(&self, run: Index, stage: usize, is_poll: bool) -> bool {
        !is_poll && starts_child(&self.runs[run].workflow.stages[stage])
    }
}

impl ChildEnd {
    /// Returns the end of the check.
    pub(super) fn of_check(self) -> Result<End, &'static str> {
        match self {
            Self::Open => Ok(End::Pending { after_ms: None }),
            Self::Completed(value) => Ok(End::Value(value)),
            Self::Failed(code) => Err(code),
        }
    }
}
