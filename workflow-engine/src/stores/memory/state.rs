//! The committed state of the store in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::side_tables::SideTables;
use crate::ports::OptionalIndex;
use crate::records::{
    ArtifactRecord, BlobKey, DefinitionRecord, DeliveryRecord, Event, EventKind, JobRecord, LogRecord,
    RunRecord, RunRequest, ScheduleRecord, StageRecord, Status, SubscriberRecord, WorkerRecord,
};
use crate::stores::footprint::Footprint;
use crate::stores::pending_notifications::PendingNotifications;
use crate::stores::working_set::{CommitRow, KeyRow, LogRow, RowOp, RunRows, WorkingSet};
use crate::value::{Json, RunId, StageKey};

/// The committed state. The sets of ids keep terminal runs out of the walks of claims and other frequent reads.
#[derive(Default)]
pub(super) struct State {
    pub(super) runs: BTreeMap<RunId, Run>,
    /// Jobs that are not dead.
    pub(super) open_jobs: BTreeSet<(RunId, StageKey)>,
    /// `PENDING` runs.
    pub(super) pending_runs: BTreeSet<RunId>,
    /// `RUNNING` runs.
    pub(super) running_runs: BTreeSet<RunId>,
    /// Runs with events that are not published yet.
    pub(super) unpublished_runs: BTreeSet<RunId>,
    /// By workflow, version and fingerprint.
    pub(super) definitions: BTreeMap<(String, u32, String), DefinitionRecord>,
    /// By number, which begins with 1.
    pub(super) workers: Vec<WorkerRecord>,
    /// By name.
    pub(super) subscribers: BTreeMap<String, SubscriberRecord>,
    /// By subscriber, run and letter.
    pub(super) deliveries: BTreeMap<(String, RunId, u64), DeliveryRecord>,
    /// By id.
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    /// Purged runs whose blobs outside of the store are still to be deleted.
    pub(super) purged: BTreeSet<RunId>,
    /// The optional indexes that were added.
    pub(super) indexes: BTreeSet<OptionalIndex>,
    pub(super) blobs: HashMap<BlobKey, Json>,
    pub(super) logs: Vec<LogRecord>,
    last_log: u64,
    pub(super) side_tables: SideTables,
    keys: HashMap<&'static str, HashMap<String, KeyRow>>,
    /// The origin of the clock that the due instants belong to.
    pub(super) origin: Option<DateTime<Utc>>,
    closed: bool,
}

/// One run with its stages and commits.
pub(super) struct Run {
    pub(super) record: RunRecord,
    pub(super) request: RunRequest,
    pub(super) stages: BTreeMap<StageKey, Stage>,
    /// The commits with events, in their order.
    pub(super) commits: Vec<StoredCommit>,
}

/// One stage with its job.
pub(super) struct Stage {
    pub(super) record: StageRecord,
    pub(super) job: Option<JobRecord>,
}

/// The events of one commit, and whether they were passed on to their subscribers.
pub(super) struct StoredCommit {
    pub(super) row: CommitRow,
    pub(super) is_published: bool,
}

impl State {
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Copies the named rows into the working set.
    pub(super) fn load(&self, footprint: &Footprint, set: &mut WorkingSet) {
        self.load_calls(footprint, set);
        self.side_tables.load_signals(footprint, set);
        self.load_schedules(footprint, set);
        for (run_id, stages) in &footprint.runs {
            let Some(run) = self.runs.get(run_id) else { continue };
            set.load_run(run.record.clone());
            for stage in stages.iter().filter_map(|stage_key| run.stages.get(stage_key)) {
                stage.load(set);
            }
        }
        for (command, key) in &footprint.keys {
            if let Some(row) = self.keys.get(command).and_then(|keys| keys.get(key)) {
                set.load_key(command, key.clone(), row.request_hash.clone(), row.result.clone());
            }
        }
    }

    /// Copies the named calls into the working set.
    fn load_calls(&self, footprint: &Footprint, set: &mut WorkingSet) {
        let named = footprint.calls.iter().filter_map(|id| Some((*id, self.side_tables.call(*id)?)));
        set.calls.extend(named);
    }

    /// Copies a run with all its stages and jobs into the working set.
    pub(super) fn load_whole(&self, run_id: RunId, set: &mut WorkingSet) {
        let Some(run) = self.runs.get(&run_id) else { return };
        set.load_run(run.record.clone());
        for stage in run.stages.values() {
            stage.load(set);
        }
    }

    /// Returns every job that is not dead, with its run.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&RunRecord, &JobRecord)> {
        self.open_jobs.iter().filter_map(|(run_id, stage_key)| {
            let run = self.runs.get(run_id)?;
            let job = run.stages.get(stage_key)?.job.as_ref()?;
            Some((&run.record, job))
        })
    }

    /// Returns every `PENDING` run.
    pub(super) fn pending_runs(&self) -> impl Iterator<Item = &RunRecord> {
        self.pending_runs.iter().filter_map(|run_id| Some(&self.runs.get(run_id)?.record))
    }

    /// Returns the artifacts of a run that are of their stages' current generations, by stage and key.
    pub(super) fn artifacts(&self, run_id: RunId) -> impl Iterator<Item = &ArtifactRecord> {
        let first = (run_id, StageKey::default(), String::new());
        let of_run =
            self.side_tables.artifacts.range(first..).take_while(move |((run, ..), _)| *run == run_id);
        of_run.map(|(_, artifact)| artifact).filter(move |artifact| {
            let stage = self.runs.get(&run_id).and_then(|run| run.stages.get(&artifact.stage_key()));
            stage.is_some_and(|stage| stage.record.generation == artifact.generation)
        })
    }

    /// Stores the rows that the transaction has changed, and returns the hints to send. It cannot fail.
    pub(super) fn write_back(&mut self, set: WorkingSet) -> PendingNotifications {
        for (run_id, rows) in set.runs {
            self.write_run(run_id, rows);
        }
        let has_subscribers = !self.subscribers.is_empty();
        for row in set.commits {
            let run_id = row.run_id;
            let Some(run) = self.runs.get_mut(&run_id) else { continue };
            run.commits.push(StoredCommit { row, is_published: !has_subscribers });
            if has_subscribers {
                self.unpublished_runs.insert(run_id);
            }
        }
        for (command, keys) in set.keys {
            let stored = self.keys.entry(command).or_default();
            let written = keys.into_iter().filter(|(_, row)| row.inserted.is_some() || row.is_completed);
            stored.extend(written);
        }
        for line in set.logs {
            self.last_log += 1;
            self.logs.push(log_record(self.last_log, line));
        }
        for blob in set.blobs {
            self.blobs.insert(blob.key, blob.value);
        }
        for void in &set.side_rows.void_blobs {
            let [after, before, kept_after, kept_before] = void.bounds();
            let is_between = |key: &str, after: &str, before: &str| after < key && key < before;
            self.blobs.retain(|BlobKey(key), _| {
                !is_between(key, &after, &before) || is_between(key, &kept_after, &kept_before)
            });
        }
        let mut side_rows = set.side_rows;
        self.move_schedules(std::mem::take(&mut side_rows.moved_schedules));
        self.side_tables.write(side_rows);
        set.notifications
    }

    pub(super) fn run_of_key(&self, key: &str) -> Option<RunId> {
        let (run_id, _) = self.keys.get("run.create")?.get(key)?.inserted?;
        Some(run_id)
    }

    /// Deletes a terminal run with all of its rows.
    pub(super) fn delete(&mut self, run_id: RunId) {
        self.roll_up_run(run_id);
        self.runs.remove(&run_id);
        self.open_jobs.retain(|(job_run, _)| *job_run != run_id);
        self.unpublished_runs.remove(&run_id);
        self.deliveries.retain(|_, row| row.run_id != run_id);
        let blobs = format!("{run_id}/");
        self.blobs.retain(|key, _| !key.0.starts_with(&blobs));
        self.logs.retain(|line| line.run_id != run_id);
        self.side_tables.delete(run_id);
        for keys in self.keys.values_mut() {
            keys.retain(|_, row| row.inserted.is_none_or(|(of, _)| of != run_id));
        }
    }

    fn write_run(&mut self, run_id: RunId, rows: RunRows) {
        if let (RowOp::Insert(record), Some(new)) = (rows.run.row_op(), &rows.created) {
            let run = Run {
                record: record.clone(),
                request: new.request.clone(),
                stages: BTreeMap::new(),
                commits: Vec::new(),
            };
            self.runs.insert(run_id, run);
        }
        let Some(run) = self.runs.get_mut(&run_id) else { return };
        if let RowOp::Update(record) = rows.run.row_op() {
            run.record = record.clone();
        }
        for (status, runs) in
            [(Status::Pending, &mut self.pending_runs), (Status::Running, &mut self.running_runs)]
        {
            if run.record.status == status {
                runs.insert(run_id);
            } else {
                runs.remove(&run_id);
            }
        }
        for (stage_key, rows) in rows.stages {
            let Some(record) = rows.stage.get().cloned() else { continue };
            let job = rows.job.get().cloned();
            let is_open = job.as_ref().is_some_and(|job| !job.status.is_terminal());
            if is_open {
                self.open_jobs.insert((run_id, stage_key.clone()));
            } else {
                self.open_jobs.remove(&(run_id, stage_key.clone()));
            }
            run.stages.insert(stage_key, Stage { record, job });
        }
    }
}

impl Run {
    /// Returns the events from number `first` on.
    pub(super) fn events(&self, first: u64) -> impl Iterator<Item = Event> {
        let skipped = self.commits.partition_point(|commit| commit.row.last_sequence < first);
        let commits = self.commits.iter().skip(skipped);
        commits.flat_map(StoredCommit::events).filter(move |event| event.sequence >= first)
    }
}

impl StoredCommit {
    /// Marks the events as passed on, and returns the number and the type of each.
    pub(super) fn publish(&mut self) -> impl Iterator<Item = (u64, &'static str)> {
        self.is_published = true;
        self.types()
    }

    /// Returns the number and the type of each event.
    pub(super) fn types(&self) -> impl Iterator<Item = (u64, &'static str)> {
        (self.row.sequence..).zip(self.row.events.iter().map(EventKind::name))
    }

    fn events(&self) -> impl Iterator<Item = Event> {
        let CommitRow { run_id, sequence, at, ref causation_id, ref events, .. } = self.row;
        (sequence..).zip(events).map(move |(sequence, kind)| Event {
            run_id,
            sequence,
            at,
            causation_id: causation_id.clone(),
            kind: kind.clone(),
        })
    }
}

impl Stage {
    fn load(&self, set: &mut WorkingSet) {
        set.load_stage(self.record.clone());
        if let Some(job) = &self.job {
            set.load_job(job.clone());
        }
    }
}

fn log_record(id: u64, line: LogRow) -> LogRecord {
    let (stage_id, place) = line.stage_key.map(|key| (key.id, key.place)).unzip();
    LogRecord {
        id,
        run_id: line.run_id,
        stage_id,
        place: place.unwrap_or_default(),
        attempt: line.attempt,
        at: line.at,
        level: line.level,
        message: line.message,
        fields: line.fields,
    }
}
