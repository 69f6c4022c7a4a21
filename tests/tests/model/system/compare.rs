//! Compares the rows of the store with the reference.

use chrono::{DateTime, Utc};
use workflow_engine::ports::Snapshot;
use workflow_engine::records::{ChildTicket, Event, EventKind, JobRecord, StageRecord, Status, StoredValue};
use workflow_engine::{Json, RunId};

use super::{System, lock};
use crate::spec::{AT_ONCE, Job, Reference, Schedule, Signal, Stage};

impl System {
    /// Compares everything, and checks the rules that hold in every history.
    pub fn compare(&self, reference: &Reference) {
        self.runtime.block_on(async {
            let runs = lock(&self.ids.runs).clone();
            assert_eq!(runs.len(), reference.runs.len(), "the number of runs");
            let view = self.view();
            for (index, (run_id, run)) in runs.iter().zip(&reference.runs).enumerate() {
                let snapshot =
                    view.snapshot(*run_id).await.expect("a readable store").expect("it was created");
                let events = view.events(*run_id, 0, usize::MAX).await.expect("a readable store");
                lock(&self.rules).check(&snapshot, &events);
                let events: Vec<String> = events.iter().map(event_text).collect();
                assert_eq!(events, run.events, "the events of run {index}");
                self.compare_run(index, reference, &snapshot).await;
            }
            let number = |(run, sequence): &(_, u64)| {
                let run = runs.iter().position(|ids| ids == run).expect("a run of this case");
                (run, usize::try_from(*sequence).expect("a few"))
            };
            let delivered: Vec<_> = lock(&self.sink.received).iter().map(number).collect();
            assert_eq!(delivered, reference.delivered, "the events that the sink has received");
            self.compare_schedules(reference).await;
            self.opened.check_rows().await;
        });
    }

    async fn compare_schedules(&self, reference: &Reference) {
        let number = |run_id: RunId| self.ids.known(run_id);
        let schedules = self.schedules().await.into_iter().map(|record| Schedule {
            next_at: self.milliseconds(record.next_at.expect("it ticks for ever")),
            writes: record.version - self.first_version,
            open_runs: record.state.open_runs.iter().map(|run_id| number(*run_id)).collect(),
            skipped: record.state.skipped,
            last: record
                .state
                .last
                .map(|start| (self.milliseconds(start.scheduled_for), number(start.run_id))),
        });
        let schedules: Vec<_> = schedules.collect();
        assert_eq!(schedules, reference.schedules, "G13: what the schedules have done");
    }

    async fn compare_run(&self, index: usize, reference: &Reference, snapshot: &Snapshot) {
        let run = &reference.runs[index];
        let record = &snapshot.run;
        assert_eq!(record.status, run.status, "the status of run {index}");
        assert_eq!(record.generation, run.generation, "the generation of run {index}");
        assert_eq!(record.last_sequence, run.events.len() as u64, "the newest event of run {index}");
        assert_eq!(record.active as usize, run.active(), "the active stages of run {index}");
        assert_eq!(record.suspended as usize, run.suspended(), "the suspended stages of run {index}");
        assert_eq!(record.waiting_on as usize, run.open_outputs(), "the open output stages of run {index}");
        let error = record.error.as_ref().map(|error| error.code.as_str());
        assert_eq!(error, run.error, "the error of run {index}");
        let output = self.value(record.output.as_ref()).await;
        assert_eq!(output, run.output(), "the output of run {index}");
        let deadline =
            |instant| if instant == DateTime::UNIX_EPOCH { AT_ONCE } else { self.milliseconds(instant) };
        let deadline_at = record.times.deadline_at.map(deadline);
        assert_eq!(deadline_at, run.deadline_at, "the deadline of run {index}");
        assert_eq!(record.cancel_reason.is_some(), run.has_cancel_reason, "why run {index} is cancelled");
        let parent = record.parent.as_ref().map(|parent| {
            let number = self.ids.known(parent.run_id);
            (number, reference.runs[number].position(&parent.stage_key.id), parent.generation)
        });
        assert_eq!(parent, run.parent, "the parent of run {index}");
        let signals = self.view().signals(record.id, None).await.expect("a readable store");
        let signals: Vec<_> = signals
            .iter()
            .map(|signal| Signal {
                stage: run.position(&signal.stage_id),
                payload: signal.payload.decode().expect("a number"),
                consumed_by: signal.consumed_by,
            })
            .collect();
        assert_eq!(signals, run.signals, "the signals of run {index}");
        assert_eq!(snapshot.stages.len(), run.stages.len(), "the stages of run {index}");
        for (number, (record, stage)) in snapshot.stages.iter().zip(&run.stages).enumerate() {
            let job = snapshot.jobs.iter().find(|job| job.stage_id == record.stage_id);
            let of = format!("stage `{}` of run {index}", record.stage_id);
            if stage.status != Status::Skipped {
                assert_eq!(record.waiting_on as usize, run.waits_for(number), "{of}: its open predecessors");
            }
            self.compare_stage(&of, stage, record).await;
            self.compare_job(&of, stage.job.as_ref(), job, record);
        }
    }

    async fn compare_stage(&self, of: &str, stage: &Stage, record: &StageRecord) {
        assert_eq!(record.status, stage.status, "{of}: its status");
        assert_eq!(record.generation, stage.generation, "{of}: its generation");
        assert_eq!(record.attempt, stage.attempt, "{of}: its attempts");
        assert_eq!(record.failure.is_some(), stage.has_failure, "{of}: the failure that it keeps");
        assert_eq!(record.arm.map(|arm| arm as usize), stage.arm, "{of}: its arm");
        assert_eq!(record.error_message.is_some(), stage.has_error, "{of}: its error");
        assert_eq!(self.value(record.output.as_ref()).await, stage.output, "{of}: its output");
        let child = child_of(record);
        assert_eq!(child.map(|child| self.ids.known(child)), stage.child, "{of}: its child");
        if child.is_none() {
            let suspended_state = self.value(record.suspended_state.as_ref()).await;
            assert_eq!(suspended_state, stage.suspended_state, "{of}: its suspended state");
        }
        if stage.suspended_state.is_some() {
            let max_wait_until = record.max_wait_until.map(|instant| self.milliseconds(instant));
            assert_eq!(max_wait_until, Some(stage.max_wait_until), "{of}: when its wait times out");
        }
    }

    fn compare_job(&self, of: &str, job: Option<&Job>, record: Option<&JobRecord>, stage: &StageRecord) {
        let held = record.map(|record| {
            let lease = record.worker_id.clone().zip(record.leased_until);
            Job {
                status: record.status,
                attempt: record.attempt,
                crashes: record.crashes,
                epoch: record.lease_epoch,
                lease: lease.map(|(worker, until)| (worker, self.milliseconds(until))),
                run_at: self.milliseconds(record.run_at),
                woken: record.woken,
            }
        });
        assert_eq!(held.as_ref(), job, "{of}: its job");
        if let Some(record) = record {
            assert_eq!(record.generation, stage.generation, "{of}: the generation of its job");
        }
    }

    async fn value(&self, stored: Option<&StoredValue>) -> Option<u64> {
        let json: Json = match stored? {
            StoredValue::Inline(json) => json.clone(),
            StoredValue::Blob(key) => {
                let blob = self.opened.store.blob(key).await.expect("a readable store");
                blob.expect("a blob is committed with the row that names it")
            }
        };
        Some(json.decode().expect("a number"))
    }

    fn milliseconds(&self, instant: DateTime<Utc>) -> u64 {
        let since = (instant - self.began).num_milliseconds();
        u64::try_from(since).expect("no instant is before the start of the case")
    }
}

/// Returns the run for whose end a stage waits, or has waited.
pub(super) fn child_of(stage: &StageRecord) -> Option<RunId> {
    let Some(StoredValue::Inline(ticket)) = &stage.suspended_state else { return None };
    ticket.decode::<ChildTicket>().ok().map(|ticket| ticket.child_run_id)
}

/// Returns an event as the reference's text.
fn event_text(event: &Event) -> String {
    let name = event.kind.name();
    match &event.kind {
        EventKind::StageStarted { stage_id, attempt, .. }
        | EventKind::StageRetrying { stage_id, attempt, .. }
        | EventKind::StageReturned { stage_id, attempt, .. }
        | EventKind::StageFailed { stage_id, attempt, .. } => format!("{name} {stage_id} {attempt}"),
        EventKind::StageSuspended { stage_id, .. }
        | EventKind::StageSignalled { stage_id, .. }
        | EventKind::StageCompleted { stage_id, .. }
        | EventKind::StageSkipped { stage_id, .. }
        | EventKind::StageCancelled { stage_id, .. } => format!("{name} {stage_id}"),
        _ => name.to_owned(),
    }
}
