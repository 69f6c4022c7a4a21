//! The rows of runs, as the arrays that the statement takes.

use super::arrays::{Rows, number, value};
use crate::id::RunId;
use crate::language::Json;
use crate::ports::NewRun;
use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::stores::working_set::{Fate, RunRows, StageRows};

/// What is written of runs, stages and jobs. What is new is inserted and nothing else is: to ask for each row whether
/// it is there would cost more than to write it.
#[derive(Default)]
pub(super) struct RowsOfRuns<'a> {
    pub(super) new: Rows<'a, 12, 7, 3>,
    pub(super) moved: Rows<'a, 6, 6, 2>,
    pub(super) new_stages: Rows<'a, 8, 5, 3>,
    pub(super) moved_stages: Rows<'a, 7, 3, 3>,
    pub(super) jobs: Jobs<'a>,
    pub(super) requeued: Jobs<'a>,
    pub(super) done: Rows<'a, 1, 0, 0>,
}

type Jobs<'a> = Rows<'a, 5, 6, 2>;

impl<'a> RowsOfRuns<'a> {
    /// Adds those of a run of which something is to be written.
    pub(super) fn push(&mut self, run_id: RunId, rows: &'a RunRows) {
        let Some(run) = rows.run.get() else { return };
        match &rows.created {
            Some(created) if matches!(rows.run.fate(), Fate::Insert(_)) => self.push_new(run, created),
            _ => self.push_moved(run),
        }
        for (stage_id, rows) in &rows.stages {
            self.push_stage(rows);
            match rows.job.fate() {
                Fate::Insert(job) => push_job(&mut self.jobs, job),
                Fate::Update(job) => push_job(&mut self.requeued, job),
                Fate::Delete => self.done.push(run_id, [Some(stage_id)], [], []),
                Fate::Keep => {}
            }
        }
    }

    fn push_new(&mut self, run: &'a RunRecord, created: &'a NewRun) {
        let [status, output, output_blob, code, message, reason] = texts(run);
        let [version, generation, last_sequence, waiting_on, active, suspended] = numbers(run);
        self.new.push(
            run.id,
            [
                status,
                output,
                output_blob,
                code,
                message,
                reason,
                Some(&run.workflow_id),
                Some(&created.workflow_name),
                Some(&run.definition_fingerprint),
                Some(created.request.input.as_str()),
                Some(created.request.config.as_str()),
                created.request.metadata.as_ref().map(Json::as_str),
            ],
            [
                version,
                generation,
                last_sequence,
                waiting_on,
                active,
                suspended,
                Some(i64::from(run.priority)),
            ],
            [run.started_at, run.completed_at, Some(run.created_at)],
        );
    }

    fn push_moved(&mut self, run: &'a RunRecord) {
        self.moved.push(run.id, texts(run), numbers(run), [run.started_at, run.completed_at]);
    }

    fn push_stage(&mut self, rows: &'a StageRows) {
        let (stage, is_new) = match rows.stage.fate() {
            Fate::Insert(stage) => (stage, true),
            Fate::Update(stage) => (stage, false),
            Fate::Keep | Fate::Delete => return,
        };
        let StageRecord { run_id, stage_id, stage_name, .. } = stage;
        let (ticket, ticket_blob) = value(stage.ticket.as_ref());
        let (output, output_blob) = value(stage.output.as_ref());
        let error = stage.error_message.as_deref();
        let status = Some(stage.status.as_str());
        let changing = [stage.generation, stage.attempt, stage.waiting_on].map(|n| Some(i64::from(n)));
        let instants = [stage.give_up_at, stage.started_at, stage.completed_at];
        if is_new {
            let [generation, attempt, waiting_on] = changing;
            let [position, group] = [stage.stage_number, stage.execution_group].map(|n| Some(i64::from(n)));
            self.new_stages.push(
                *run_id,
                [Some(stage_id), Some(stage_name), status, ticket, ticket_blob, output, output_blob, error],
                [position, group, generation, attempt, waiting_on],
                instants,
            );
        } else {
            let texts = [Some(stage_id.as_str()), status, ticket, ticket_blob, output, output_blob, error];
            self.moved_stages.push(*run_id, texts, changing, instants);
        }
    }
}

/// What changes of a run.
fn texts(run: &RunRecord) -> [Option<&str>; 6] {
    let (output, output_blob) = value(run.output.as_ref());
    [
        Some(run.status.as_str()),
        output,
        output_blob,
        run.error.as_ref().map(|error| error.code.as_str()),
        run.error.as_ref().map(|error| error.message.as_str()),
        run.cancel_reason.as_deref(),
    ]
}

fn numbers(run: &RunRecord) -> [Option<i64>; 6] {
    [
        Some(number(run.version)),
        Some(i64::from(run.generation)),
        Some(number(run.last_sequence)),
        Some(i64::from(run.waiting_on)),
        Some(i64::from(run.active)),
        Some(i64::from(run.suspended)),
    ]
}

fn push_job<'a>(jobs: &mut Jobs<'a>, job: &'a JobRecord) {
    let JobRecord { stage_id, workflow_id, definition_fingerprint, .. } = job;
    let status = job.status.as_str();
    jobs.push(
        job.run_id,
        [
            Some(stage_id),
            Some(workflow_id),
            Some(definition_fingerprint),
            Some(status),
            job.worker_id.as_deref(),
        ],
        [
            Some(i64::from(job.generation)),
            Some(i64::from(job.priority)),
            Some(i64::from(job.attempt)),
            Some(i64::from(job.max_attempts)),
            Some(number(job.lease_epoch)),
            Some(i64::from(job.woken)),
        ],
        [job.leased_until, Some(job.run_at)],
    );
}
