//! The store in memory as persistence.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::Stage;
use super::stuck_runs;
use crate::error::Error;
use crate::ports::{AnnotationFilter, Commit, Decide, Decision, Hints, Persistence, Snapshot};
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, Event, LogRecord, RunRecord, RunRequest, StageRecord, Status,
    StoredValue,
};
use crate::stores::apply::apply;
use crate::stores::fair_order::{FairOrder, QueueEntry};
use crate::stores::footprint::Footprint;
use crate::stores::instant;
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId, StageKey};

#[async_trait]
impl Persistence for MemoryStore {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        self.transact("commit", |state, set, now| {
            let mut footprint = Footprint::default();
            footprint.add(&decision);
            state.load(&footprint, set);
            apply(set, &decision, now)
        })
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        self.transact("commit", |state, set, now| {
            state.load_whole(run_id, set);
            let Some(decision) = decide(set.snapshot(run_id).as_ref()) else {
                return Ok(Commit::PreconditionFailed);
            };
            let mut footprint = Footprint::default();
            footprint.add(&decision);
            state.load(&footprint, set);
            apply(set, &decision, now)
        })
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        let state = self.open("read a run")?;
        let mut set = WorkingSet::default();
        state.load_whole(run_id, &mut set);
        Ok(set.snapshot(run_id))
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        Ok(self.open("read a run")?.runs.get(&run_id).map(|run| run.record.clone()))
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        Ok(self.open("read the request of a run")?.runs.get(&run_id).map(|run| run.request.clone()))
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        let state = self.open("read the stages of a run")?;
        let Some(run) = state.runs.get(&run_id) else { return Ok(Vec::new()) };
        let mut stages: Vec<_> = run.stages.values().map(|stage| stage.record.clone()).collect();
        stages.sort_by_key(|stage| stage.stage_number);
        Ok(stages)
    }

    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error> {
        let state = self.open("read a stage of a run")?;
        let stage = state.runs.get(&run_id).and_then(|run| run.stages.get(stage_key));
        Ok(stage.map(|stage| stage.record.clone()))
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error> {
        let state = self.open("read the outputs of a run")?;
        let Some(run) = state.runs.get(&run_id) else { return Ok(HashMap::new()) };
        let completed = stage_keys.iter().filter_map(|stage_key| run.stages.get(stage_key).and_then(output));
        Ok(completed.collect())
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        Ok(self.open("read a blob")?.blobs.get(key).cloned())
    }

    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let state = self.open("read the annotations of a run")?;
        Ok(state.side_tables.annotations(filter, |annotation| annotation.run_id == run_id))
    }

    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let state = self.open("read the annotations of a key")?;
        Ok(state.side_tables.annotations(filter, |annotation| annotation.key == key))
    }

    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error> {
        let state = self.open("read the artifacts of a run")?;
        let of_stage = |artifact: &&ArtifactRecord| {
            stage_key.is_none_or(|key| key.selects(&artifact.stage_id, &artifact.place))
        };
        Ok(state.artifacts(run_id).filter(of_stage).cloned().collect())
    }

    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        let state = self.open("read an artifact")?;
        let mut artifacts = state.artifacts(run_id);
        Ok(artifacts
            .find(|artifact| stage_key.is(&artifact.stage_id, &artifact.place) && artifact.key == key)
            .cloned())
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        let state = self.open("read the events of a run")?;
        let Some(run) = state.runs.get(&run_id) else { return Ok(Vec::new()) };
        Ok(run.events(after.saturating_add(1)).take(limit).collect())
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        let state = self.open("read the log of a run")?;
        let later = state.logs.iter().filter(|line| line.run_id == run_id && line.id > after);
        Ok(later.take(limit).cloned().collect())
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let state = self.open("read pending runs")?;
        let order = FairOrder::new(definitions, &[]);
        let pending = state.pending_runs().filter(|run| run.times.due_at.is_none());
        let entries = pending.filter_map(|run| QueueEntry::run(&order, run, |run| run)).collect();
        Ok(order.sort(entries, limit).into_iter().take(limit).map(|entry| entry.item.clone()).collect())
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        let state = self.open("read unfinished runs")?;
        let mut runs: Vec<_> = state
            .runs
            .values()
            .map(|run| &run.record)
            .filter(|run| run.workflow_id == workflow_id && !run.status.is_terminal())
            .cloned()
            .collect();
        runs.sort_by_key(|run| (run.created_at, run.id));
        Ok(runs)
    }

    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let state = self.open("read stuck runs")?;
        let before = instant::before(instant::now(&*self.clock), idle_for);
        Ok(stuck_runs::stuck_runs(&state, definitions, before).take(limit).collect())
    }

    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let state = self.open("read unclaimed runs")?;
        let before = instant::before(instant::now(&*self.clock), waiting_for);
        Ok(stuck_runs::unclaimed_runs(&state, definitions, before).take(limit).collect())
    }

    fn hints(&self) -> &Arc<Hints> {
        &self.hints
    }

    async fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).close();
    }
}

/// Returns the output of a completed stage with the stage's key.
fn output(stage: &Stage) -> Option<(StageKey, StoredValue)> {
    let output = stage.record.output.clone().filter(|_| stage.record.status == Status::Completed)?;
    Some((stage.record.key(), output))
}
