-- The tables of a store on SQLite.
--
-- Ids are UUIDv7 in their hyphenated form: they sort by age. Instants are whole microseconds since
-- 1970-01-01T00:00:00Z. Payloads are JSON text exactly as it was written: SQLite's own JSON types would rewrite
-- numbers. Statuses are PENDING, RUNNING, SUSPENDED, COMPLETED, FAILED, CANCELLED, SKIPPED and, of jobs, DEAD.
--
-- The indexes are partial: they hold what is still to be done, so finished runs cost the hot path nothing; and those
-- of what waits for a worker begin with the definition, so what only others can do costs nothing either. Rows
-- refer to their run by id without foreign keys: every row is written by the transaction that has read its run.

-- What changes while a run runs. What it was started with stands apart, because SQLite rewrites a whole row to
-- change one number of it.
CREATE TABLE workflow_runs (
    id                     TEXT    NOT NULL PRIMARY KEY,
    workflow_id            TEXT    NOT NULL,
    workflow_name          TEXT    NOT NULL,
    workflow_type          TEXT    NOT NULL,
    definition_fingerprint TEXT    NOT NULL,
    status                 TEXT    NOT NULL,
    priority               INTEGER NOT NULL,
    -- Moved by start, end and rerun.
    version                INTEGER NOT NULL,
    generation             INTEGER NOT NULL,
    -- Of the run's newest event.
    last_sequence          INTEGER NOT NULL,
    -- Stages of the output that are still to complete.
    waiting_on             INTEGER NOT NULL,
    -- Stages that are ready or running.
    active                 INTEGER NOT NULL,
    -- Stages that wait for something outside.
    suspended              INTEGER NOT NULL,
    output                 TEXT,
    -- The key in blobs of an output that is too large for the row.
    output_blob            TEXT,
    error_code             TEXT,
    error_message          TEXT,
    cancel_reason          TEXT,
    -- In millionths of the currency's unit.
    total_cost             INTEGER NOT NULL DEFAULT 0,
    total_tokens           INTEGER NOT NULL DEFAULT 0,
    created_at             INTEGER NOT NULL,
    started_at             INTEGER,
    completed_at           INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX workflow_runs_pending ON workflow_runs (definition_fingerprint, priority DESC, created_at)
    WHERE status = 'PENDING';
CREATE INDEX workflow_runs_unfinished ON workflow_runs (workflow_id, created_at) WHERE completed_at IS NULL;

-- What a run was started with. It never changes.
CREATE TABLE workflow_run_requests (
    workflow_run_id TEXT NOT NULL PRIMARY KEY,
    input           TEXT NOT NULL,
    config          TEXT NOT NULL,
    metadata        TEXT
) STRICT;

CREATE TABLE workflow_stages (
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    stage_name      TEXT    NOT NULL,
    -- 1-based position in reading order.
    stage_number    INTEGER NOT NULL,
    -- 1-based longest-path level.
    execution_group INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    status          TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    -- Stages before it that are still to complete.
    waiting_on      INTEGER NOT NULL,
    -- The ticket of a stage that waits, here or in blobs, and when it is given up.
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    max_wait_until       INTEGER,
    output          TEXT,
    output_blob     TEXT,
    error_message   TEXT,
    -- What it has measured, a JSON object of numbers.
    metrics         TEXT,
    started_at      INTEGER,
    completed_at    INTEGER,
    PRIMARY KEY (workflow_run_id, stage_id)
) STRICT, WITHOUT ROWID;

-- One row for each stage that is ready, under a lease or dead; deleted when the stage completes.
CREATE TABLE job_queue (
    workflow_run_id        TEXT    NOT NULL,
    stage_id               TEXT    NOT NULL,
    workflow_id            TEXT    NOT NULL,
    definition_fingerprint TEXT    NOT NULL,
    generation             INTEGER NOT NULL,
    status                 TEXT    NOT NULL,
    priority               INTEGER NOT NULL,
    attempt                INTEGER NOT NULL,
    max_attempts           INTEGER NOT NULL,
    -- Raised by each claim, reset by nothing: the fence.
    lease_epoch            INTEGER NOT NULL,
    worker_id              TEXT,
    leased_until           INTEGER,
    run_at                 INTEGER NOT NULL,
    -- 1 when a wake came while a check was running.
    woken                  INTEGER NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_queue_pending ON job_queue (definition_fingerprint, priority DESC, run_at)
    WHERE status = 'PENDING';
CREATE INDEX job_queue_suspended ON job_queue (definition_fingerprint, run_at) WHERE status = 'SUSPENDED';
CREATE INDEX job_queue_leased ON job_queue (leased_until) WHERE status = 'RUNNING';

CREATE TABLE outbox_events (
    workflow_run_id TEXT    NOT NULL,
    -- 1, 2, 3, … without a gap.
    sequence        INTEGER NOT NULL,
    event_type      TEXT    NOT NULL,
    payload         TEXT    NOT NULL,
    causation_id    TEXT,
    occurred_at     INTEGER NOT NULL,
    -- When the sink took it; at once where there is no sink.
    published_at    INTEGER,
    -- How often the sink has refused it, and when it is offered again.
    retry_count     INTEGER NOT NULL DEFAULT 0,
    retry_at        INTEGER,
    dlq_at          INTEGER,
    PRIMARY KEY (workflow_run_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_events_unpublished ON outbox_events (workflow_run_id, sequence) WHERE published_at IS NULL;
CREATE INDEX outbox_events_refused ON outbox_events (retry_at)
    WHERE published_at IS NULL AND retry_at IS NOT NULL;

-- Keys of commands, scoped by the command's name, written in the command's own transaction.
CREATE TABLE idempotency_keys (
    command         TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    workflow_run_id TEXT    NOT NULL,
    request_hash    TEXT    NOT NULL,
    result          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (command, key)
) STRICT, WITHOUT ROWID;

-- Payloads that are too large for a row.
CREATE TABLE blobs (
    key             TEXT    NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE workflow_logs (
    id              INTEGER NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    level           TEXT    NOT NULL,
    message         TEXT    NOT NULL,
    metadata        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX workflow_logs_by_run ON workflow_logs (workflow_run_id, id);

-- What stages keep beside their outputs.
CREATE TABLE workflow_artifacts (
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    generation      INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    data            TEXT,
    data_blob       TEXT,
    metadata        TEXT,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, key)
) STRICT, WITHOUT ROWID;

-- What people, programs and stages note about runs: one row an attribute.
CREATE TABLE annotations (
    id              INTEGER NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT,
    generation      INTEGER NOT NULL,
    attempt         INTEGER,
    key             TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    actor           TEXT,
    scope           TEXT,
    payload         TEXT,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX annotations_by_run ON annotations (workflow_run_id, id);
CREATE INDEX annotations_by_key ON annotations (key, id);

-- Leases that are not a job's: who delivers events.
CREATE TABLE leases (
    name         TEXT    NOT NULL PRIMARY KEY,
    worker_id    TEXT    NOT NULL,
    leased_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
