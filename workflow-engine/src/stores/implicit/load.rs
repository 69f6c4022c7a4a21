//! Loading: a stage without a row as the records that its rows would be.

use super::{Entry, EntryState, ImplicitStages, OutlineStage, first_record};
use crate::records::{RunRecord, Status};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::{StageRows, Tracked, WorkingSet};
use crate::value::{RunId, StageKey};

impl ImplicitStages {
    /// Returns the records of a stage without a row.
    pub(in crate::stores) fn rows(&self, run: &RunRecord, stage_key: &StageKey) -> Option<StageRows> {
        let stage = self.outline.as_ref()?.stage(stage_key)?;
        let entry = self.entries.iter().find(|entry| entry.stage_key == *stage_key);
        Some(self.rows_of(run, stage, entry))
    }

    fn rows_of(&self, run: &RunRecord, stage: &OutlineStage, entry: Option<&Entry>) -> StageRows {
        let mut record = first_record(run.id, stage);
        let mut job = None;
        match entry.map(|entry| &entry.state) {
            None => {}
            Some(EntryState::Waiting { remaining }) => record.waiting_on = *remaining,
            Some(EntryState::Held(lease)) => {
                record.status = Status::Running;
                record.attempt = 1;
                record.waiting_on = 0;
                record.started_at = Some(lease.since);
                job = Some(self.job(run, &stage.stage_key, lease));
            }
        }
        StageRows {
            stage: Tracked::implicit(Some(record)),
            job: Tracked::implicit(job),
            ..StageRows::default()
        }
    }
}

impl WorkingSet {
    /// Adds the named stages that have no rows.
    pub(in crate::stores) fn load_implicit(&mut self, footprint: &Footprint) {
        for (run_id, stage_keys) in &footprint.runs {
            let Some(rows) = self.runs.get_mut(run_id).filter(|rows| rows.implicit.outline.is_some()) else {
                continue;
            };
            let Some(run) = rows.run.get() else { continue };
            for stage_key in stage_keys {
                if rows.stages.get(stage_key).is_some_and(|rows| rows.stage.get().is_some()) {
                    continue;
                }
                if let Some(stage) = rows.implicit.rows(run, stage_key) {
                    rows.stages.insert(stage_key.clone(), Box::new(stage));
                }
            }
        }
    }

    /// Adds all stages of a run that have no rows.
    pub(in crate::stores) fn load_all_implicit(&mut self, run_id: RunId) {
        let Some(rows) = self.runs.get_mut(&run_id) else { return };
        let (Some(outline), Some(run)) = (rows.implicit.outline.clone(), rows.run.get()) else { return };
        for OutlineStage { stage_key, .. } in outline.stages() {
            if rows.stages.get(stage_key).is_some_and(|rows| rows.stage.get().is_some()) {
                continue;
            }
            if let Some(stage) = rows.implicit.rows(run, stage_key) {
                rows.stages.insert(stage_key.clone(), Box::new(stage));
            }
        }
    }
}
