//! The statement that writes a commit, in parts: it is made of those that a commit needs, since the server prepares
//! each part of a statement anew, whether or not it has rows.
//!
//! `$?` is the next argument, the rows of one kind ([`Kind`](super::composite_types::Kind)). The arguments $1 to $4 are what
//! is compared before anything is written, and by how much `commits` moves. `$fit` is what each row `n` of a run has to
//! meet.

/// Which parts a commit needs.
#[allow(clippy::struct_excessive_bools, reason = "each part is there or not, whatever the others are")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Idempotency keys.
    pub(super) keys: bool,
    /// New runs.
    pub(super) runs: bool,
    /// New stages.
    pub(super) stages: bool,
    /// Runs and stages that were there, and jobs that are done.
    pub(super) moved: bool,
    /// Jobs that were there and stay.
    pub(super) requeued: bool,
    /// Log lines and blobs.
    pub(super) said: bool,
}

impl Parts {
    /// How many different statements there are.
    pub(super) const STATEMENTS: usize = 1 << 6;

    /// Which of them this one is.
    pub(super) fn number(self) -> usize {
        let all = [self.keys, self.runs, self.stages, self.moved, self.requeued, self.said];
        all.into_iter().rev().fold(0, |number, is_there| number << 1 | usize::from(is_there))
    }

    /// The statement with this number, in the order of its arguments.
    pub(super) fn texts(number: usize) -> impl Iterator<Item = &'static str> {
        let is_there = move |at: usize| number >> at & 1 == 1;
        let part = move |at, text| if is_there(at) { text } else { "" };
        let (given, checked) = if is_there(0) { (GIVEN_KEYS, CHECKED_KEYS) } else { ("", "") };
        [LOCK, given, CHECK, checked, CHECKED, JOBS_AND_EVENTS, part(0, KEYS), part(1, RUNS), part(2, STAGES)]
            .into_iter()
            .chain([part(3, MOVED), part(4, REQUEUED), part(5, SAID), ANSWER])
    }
}

/// `$fit`: the statement may write, and the row's run is not stale.
pub(super) const FIT: &str =
    "(SELECT is_fit FROM checked) AND n.workflow_run_id <> ALL ((SELECT stale FROM checked)::uuid[])";

/// Locks the runs $1 in the order of their ids.
const LOCK: &str = "
    WITH locked AS MATERIALIZED (
        SELECT r.id, r.commits FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE
    )";

const GIVEN_KEYS: &str = ",
    given_keys AS MATERIALIZED (SELECT * FROM unnest($?::{schema}.new_key[]))";

/// Nothing is written unless the instant $3 is the database's and no key is taken; and nothing of a run that has no
/// longer the `commits` $2: it is stale. Every other part looks at it, so the locks on runs come first.
const CHECK: &str = ",
    checked AS MATERIALIZED (
        SELECT CASE
                WHEN coalesce((SELECT array_agg(l.commits ORDER BY l.id) FROM locked AS l), '{}') = $2
                THEN '{}'::uuid[]
                ELSE ARRAY(
                    SELECT n.id FROM unnest($1, $2) AS n (id, commits) LEFT JOIN locked AS l ON l.id = n.id
                    WHERE l.commits IS DISTINCT FROM n.commits
                )
            END AS stale,
            coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE)";

const CHECKED_KEYS: &str = "
            AND NOT EXISTS (
                SELECT 1 FROM given_keys AS n
                JOIN {schema}.idempotency_keys AS k ON k.command = n.command AND k.key = n.key
            )";

const CHECKED: &str = " AS is_fit
    )";

const JOBS_AND_EVENTS: &str = ",
    jobs AS (
        INSERT INTO {schema}.job_queue
            (workflow_run_id, stage_id, workflow_id, definition_fingerprint, generation, status, priority, attempt,
            max_attempts, lease_epoch, worker_id, leased_until, run_at, woken)
        SELECT * FROM unnest($?::{schema}.job[]) AS n
        WHERE $fit
    ),
    events AS (
        INSERT INTO {schema}.outbox_events (workflow_run_id, sequence, event_type, payload, occurred_at, published_at)
        SELECT * FROM unnest($?::{schema}.new_event[]) AS n
        WHERE $fit
    )";

/// In key order, as they are given: two transactions that write the same ones wait for each other only in that order.
const KEYS: &str = ",
    keys AS (
        INSERT INTO {schema}.idempotency_keys (workflow_run_id, command, key, request_hash, result, created_at)
        SELECT * FROM given_keys AS n
        WHERE $fit
    )";

const RUNS: &str = ",
    run_rows AS MATERIALIZED (SELECT * FROM unnest($?::{schema}.new_run[])),
    inserted_runs AS (
        INSERT INTO {schema}.workflow_runs
            (id, status, output, output_blob, error_code, error_message, cancel_reason, version, generation,
            last_sequence, waiting_on, active, suspended, started_at, completed_at, workflow_id, workflow_name,
            definition_fingerprint, priority, created_at, workflow_type, commits)
        SELECT id, status, output, output_blob, error_code, error_message, cancel_reason, version, generation,
            last_sequence, waiting_on, active, suspended, started_at, completed_at, workflow_id, workflow_name,
            definition_fingerprint, priority, created_at, workflow_id, $4
        FROM run_rows WHERE (SELECT is_fit FROM checked)
    ),
    requests AS (
        INSERT INTO {schema}.workflow_run_requests (workflow_run_id, input, config, metadata)
        SELECT id, input, config, metadata FROM run_rows WHERE (SELECT is_fit FROM checked)
    )";

const STAGES: &str = ",
    stages AS (
        INSERT INTO {schema}.workflow_stages
            (workflow_run_id, stage_id, status, generation, attempt, waiting_on, suspended_state,
            suspended_state_blob, max_wait_until, output, output_blob, error_message, started_at, completed_at,
            stage_name, stage_number, execution_group)
        SELECT * FROM unnest($?::{schema}.new_stage[]) AS n
        WHERE $fit
    )";

/// Whatever is written of a run moves its `commits`, by $4.
const MOVED: &str = ",
    moved_runs AS (
        UPDATE {schema}.workflow_runs AS r
        SET status = n.status, output = n.output, output_blob = n.output_blob, error_code = n.error_code,
            error_message = n.error_message, cancel_reason = n.cancel_reason, version = n.version, generation =
            n.generation, last_sequence = n.last_sequence, waiting_on = n.waiting_on, active = n.active,
            suspended = n.suspended, started_at = n.started_at, completed_at = n.completed_at, commits =
            r.commits + $4
        FROM unnest($?::{schema}.moved_run[]) AS n
        WHERE r.id = n.id AND (SELECT is_fit FROM checked) AND n.id <> ALL ((SELECT stale FROM checked)::uuid[])
    ),
    moved_stages AS (
        UPDATE {schema}.workflow_stages AS s
        SET status = n.status, suspended_state = n.suspended_state, suspended_state_blob =
            n.suspended_state_blob, output = n.output, output_blob = n.output_blob, error_message =
            n.error_message, generation = n.generation, attempt = n.attempt, waiting_on = n.waiting_on,
            max_wait_until = n.max_wait_until, started_at = n.started_at, completed_at = n.completed_at
        FROM unnest($?::{schema}.moved_stage[]) AS n
        WHERE s.workflow_run_id = n.workflow_run_id AND s.stage_id = n.stage_id
            AND $fit
    ),
    done_jobs AS (
        DELETE FROM {schema}.job_queue AS j USING unnest($?::{schema}.done_job[]) AS n
        WHERE j.workflow_run_id = n.workflow_run_id AND j.stage_id = n.stage_id
            AND $fit
    )";

/// A lease that was renewed since the job was read stays renewed.
const REQUEUED: &str = ",
    requeued_jobs AS (
        UPDATE {schema}.job_queue AS q
        SET workflow_id = n.workflow_id, definition_fingerprint = n.definition_fingerprint, status = n.status,
            worker_id = n.worker_id, generation = n.generation, priority = n.priority, attempt = n.attempt,
            max_attempts = n.max_attempts, lease_epoch = n.lease_epoch, woken = n.woken, run_at = n.run_at,
            leased_until = CASE
                WHEN q.status = 'RUNNING' AND n.status = 'RUNNING' AND q.lease_epoch = n.lease_epoch
                    AND q.generation = n.generation
                THEN greatest(q.leased_until, n.leased_until) ELSE n.leased_until END
        FROM unnest($?::{schema}.job[]) AS n
        WHERE q.workflow_run_id = n.workflow_run_id AND q.stage_id = n.stage_id
            AND $fit
    )";

const SAID: &str = ",
    logs AS (
        INSERT INTO {schema}.workflow_logs (workflow_run_id, stage_id, attempt, level, message, metadata, created_at)
        SELECT * FROM unnest($?::{schema}.new_log[]) AS n
        WHERE $fit
    ),
    payloads AS (
        INSERT INTO {schema}.blobs (key, workflow_run_id, value, created_at)
        SELECT * FROM unnest($?::{schema}.new_blob[]) AS n
        WHERE $fit
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at
    )";

const ANSWER: &str = "
    SELECT is_fit, stale, clock_timestamp() FROM checked";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_of_parts_is_a_statement_of_its_own() {
        let mut all = std::collections::HashSet::new();
        for number in 0..Parts::STATEMENTS {
            let is_there = |at: usize| number >> at & 1 == 1;
            let [keys, runs, stages, moved, requeued, said] = [0, 1, 2, 3, 4, 5].map(is_there);
            let parts = Parts { keys, runs, stages, moved, requeued, said };
            assert_eq!(parts.number(), number);
            assert!(all.insert(Parts::texts(number).collect::<String>()));
        }
    }
}
