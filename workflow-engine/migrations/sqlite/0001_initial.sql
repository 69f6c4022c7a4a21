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
    -- Of the calls of models that are settled, in all generations; money in millionths of a millionth of a US dollar,
    -- here and below.
    total_cost             INTEGER NOT NULL DEFAULT 0,
    total_tokens           INTEGER NOT NULL DEFAULT 0,
    -- The maximum cost of the reserved and unknown calls, and the number of reserved calls; NULL before the first call.
    reserved_cost          INTEGER,
    pending_calls          INTEGER,
    -- What it may spend; NULL without a limit.
    budget                 INTEGER,
    created_at             INTEGER NOT NULL,
    started_at             INTEGER,
    completed_at           INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX workflow_runs_pending ON workflow_runs (definition_fingerprint, priority DESC, created_at)
    WHERE status = 'PENDING';
CREATE INDEX workflow_runs_unfinished ON workflow_runs (workflow_id, created_at) WHERE completed_at IS NULL;
-- For retention; written once in a run's life.
CREATE INDEX workflow_runs_over ON workflow_runs (completed_at) WHERE completed_at IS NOT NULL;

-- What a run was started with. It never changes.
CREATE TABLE workflow_run_requests (
    workflow_run_id TEXT NOT NULL PRIMARY KEY,
    input           TEXT NOT NULL,
    config          TEXT NOT NULL,
    metadata        TEXT
) STRICT, WITHOUT ROWID;

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
    -- As of the run; NULL before its first call of a model.
    total_cost      INTEGER,
    total_tokens    INTEGER,
    reserved_cost   INTEGER,
    pending_calls   INTEGER,
    -- What it may spend where the run says so.
    budget          INTEGER,
    -- What the call can cost that it was refused, while it waits for a budget.
    awaited_cost    INTEGER,
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
    -- When its subscribers were handed it; at once where nobody listens.
    published_at    INTEGER,
    PRIMARY KEY (workflow_run_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_events_unpublished ON outbox_events (workflow_run_id, sequence) WHERE published_at IS NULL;

-- What a subscriber (a plugin, or the sink) has still to be told of a run; deleted when it has heard everything.
CREATE TABLE plugin_deliveries (
    workflow_run_id TEXT    NOT NULL,
    plugin          TEXT    NOT NULL,
    -- 0 for the run's stream of events; the event's sequence number where it was given up alone.
    letter          INTEGER NOT NULL,
    -- The next event to be delivered, and the last one that is known to concern the subscriber.
    next_sequence   INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    -- Raised by each claim of a flusher: the fence.
    lease_epoch     INTEGER NOT NULL,
    -- How often the next event was refused, and why the last time.
    retry_count     INTEGER NOT NULL,
    error_message   TEXT,
    -- Not offered before: the end of a flusher's lease, or of the backoff.
    due_at          INTEGER NOT NULL,
    -- When the next event was given up: a dead letter.
    dlq_at          INTEGER,
    PRIMARY KEY (workflow_run_id, plugin, letter)
) STRICT, WITHOUT ROWID;

CREATE INDEX plugin_deliveries_due ON plugin_deliveries (plugin, due_at, workflow_run_id, letter)
    WHERE dlq_at IS NULL;
CREATE INDEX plugin_deliveries_dead ON plugin_deliveries (plugin, dlq_at, workflow_run_id, letter)
    WHERE dlq_at IS NOT NULL;

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

CREATE INDEX idempotency_keys_by_run ON idempotency_keys (workflow_run_id);

-- Payloads that are too large for a row.
CREATE TABLE blobs (
    key             TEXT    NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX blobs_by_run ON blobs (workflow_run_id);

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

-- The ledger: one row a call of a model. Texts stand last, so that sums are made without reading them.
CREATE TABLE ai_calls (
    id                  TEXT    NOT NULL PRIMARY KEY,
    -- NULL outside of a stage, as are stage and what is 0 there.
    workflow_run_id     TEXT,
    stage_id            TEXT,
    generation          INTEGER NOT NULL,
    attempt             INTEGER NOT NULL,
    -- Of the lease under which it was made.
    lease_epoch         INTEGER NOT NULL,
    -- Segments, joined by dots.
    topic               TEXT    NOT NULL,
    call_type           TEXT    NOT NULL,
    model_key           TEXT    NOT NULL,
    model_id            TEXT    NOT NULL,
    -- RESERVED, SETTLED, FAILED, UNKNOWN.
    outcome             TEXT    NOT NULL,
    input_tokens        INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cost                INTEGER NOT NULL,
    -- The maximum cost of a reserved or unknown call.
    reserved            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    error_message       TEXT,
    metadata            TEXT,
    prompt              TEXT,
    response            TEXT
) STRICT;

CREATE INDEX ai_calls_by_run ON ai_calls (workflow_run_id, id) WHERE workflow_run_id IS NOT NULL;
CREATE INDEX ai_calls_by_topic ON ai_calls (topic, id);
CREATE INDEX ai_calls_open ON ai_calls (workflow_run_id, stage_id) WHERE outcome = 'RESERVED';

-- Runs that are purged, and whose blobs outside of the database are not yet.
CREATE TABLE purged_runs (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
