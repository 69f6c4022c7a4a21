//! Rules that hold in every history, independent of the reference, checked on the store's own events and rows.

use std::collections::{HashMap, HashSet};

use workflow_engine::RunId;
use workflow_engine::ports::Snapshot;
use workflow_engine::records::{Event, EventKind, Status};

/// The last observed state of each run.
#[derive(Default)]
pub struct Rules {
    seen: HashMap<RunId, (Status, u32)>,
}

impl Rules {
    pub fn check(&mut self, snapshot: &Snapshot, events: &[Event]) {
        let run = &snapshot.run;
        let before = self.seen.insert(run.id, (run.status, run.generation));
        if let Some((status, generation)) = before {
            assert!(generation <= run.generation, "a generation never decreases");
            if status.is_terminal() && generation == run.generation {
                assert_eq!(run.status, status, "G9: only a rerun changes a terminal state");
            }
        }
        let sequences = events.iter().map(|event| event.sequence);
        assert!(sequences.eq(1..=events.len() as u64), "G7: sequences are 1, 2, 3, … without gaps");
        if run.status.is_terminal() {
            let open = snapshot.stages.iter().filter(|stage| !stage.status.is_terminal()).count();
            assert_eq!(open, 0, "a terminal run has no open stage");
            assert!(
                snapshot.jobs.iter().all(|job| job.status == Status::Dead),
                "a terminal run has no open job"
            );
        }
        one_commit_a_stage(events);
    }
}

/// Checks that in each generation no event follows its end, and no stage completes twice.
fn one_commit_a_stage(events: &[Event]) {
    let mut completed = HashSet::new();
    let mut has_ended = true;
    let mut is_pending = true;
    for event in events {
        match &event.kind {
            EventKind::WorkflowCreated { .. } => {}
            // A pending run takes signals, and fails at its deadline.
            EventKind::StageSignalled { .. } | EventKind::WorkflowFailed { .. } if is_pending => {}
            EventKind::WorkflowStarted {} => {
                assert!(has_ended || completed.is_empty(), "a run starts again only after its end");
                has_ended = false;
                completed.clear();
            }
            // A pending run can be cancelled.
            EventKind::WorkflowCancelled { .. } => has_ended = true,
            _ => assert!(!has_ended, "G8: {:?} follows the end of its generation", event.kind),
        }
        if let EventKind::StageCompleted { stage_id, .. } = &event.kind {
            assert!(completed.insert(stage_id.clone()), "G2: `{stage_id}` was committed twice");
        }
        has_ended |= event.kind.ends_run();
        is_pending &=
            matches!(event.kind, EventKind::WorkflowCreated { .. } | EventKind::StageSignalled { .. });
    }
}
