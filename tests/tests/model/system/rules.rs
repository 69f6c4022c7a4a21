//! What holds in every history, whatever the reference says: read from the store's own events and rows.

use std::collections::{HashMap, HashSet};

use workflow_engine::RunId;
use workflow_engine::ports::Snapshot;
use workflow_engine::records::{Event, EventKind, Status};

/// What was seen of each run before.
#[derive(Default)]
pub struct Rules {
    seen: HashMap<RunId, (Status, u32)>,
}

impl Rules {
    pub fn check(&mut self, snapshot: &Snapshot, events: &[Event]) {
        let run = &snapshot.run;
        let before = self.seen.insert(run.id, (run.status, run.generation));
        if let Some((status, generation)) = before {
            assert!(generation <= run.generation, "a generation never returns");
            if status.is_terminal() && generation == run.generation {
                assert_eq!(run.status, status, "G9: a terminal state changes by a rerun alone");
            }
        }
        let sequences = events.iter().map(|event| event.sequence);
        assert!(sequences.eq(1..=events.len() as u64), "G7: sequences are 1, 2, 3, … without a gap");
        if run.status.is_terminal() {
            let open = snapshot.stages.iter().filter(|stage| !stage.status.is_terminal()).count();
            assert_eq!(open, 0, "no stage of a run that is over is open");
            assert!(
                snapshot.jobs.iter().all(|job| job.status == Status::Dead),
                "no job of a run that is over is open"
            );
        }
        one_commit_a_stage(events);
    }
}

/// Within a generation: nothing after its end, and no stage is completed twice.
fn one_commit_a_stage(events: &[Event]) {
    let mut completed = HashSet::new();
    let mut over = true;
    for event in events {
        match &event.kind {
            EventKind::WorkflowCreated { .. } => {}
            EventKind::WorkflowStarted {} => {
                assert!(over || completed.is_empty(), "a run begins anew after its end alone");
                over = false;
                completed.clear();
            }
            // A run that nobody has started can be cancelled.
            EventKind::WorkflowCancelled { .. } => over = true,
            _ => assert!(!over, "G8: {:?} comes after the end of its generation", event.kind),
        }
        if let EventKind::StageCompleted { stage_id, .. } = &event.kind {
            assert!(completed.insert(stage_id.clone()), "G2: `{stage_id}` was committed twice");
        }
        over |= event.kind.ends_run();
    }
}
