-- The tables of a store on PostgreSQL. `{schema}` is the schema's name, filled in when a store is opened.
--
-- Ids are UUIDv7: they sort by age. Instants are TIMESTAMPTZ, so no session's time zone matters. Payloads are JSON
-- text exactly as it was written: `jsonb` refuses some of it and rewrites numbers. PostgreSQL's text holds no U+0000;
-- it is written as U+001A followed by `0`, and U+001A itself twice. Texts are compared byte by byte (COLLATE "C").
-- Statuses are PENDING, RUNNING, SUSPENDED, COMPLETED, FAILED, CANCELLED, SKIPPED and, of jobs, DEAD.
--
-- The indexes on what changes are partial: they hold what is still to be done, so finished runs cost the hot path
-- nothing; and those of what waits for a worker begin with the definition, so what only others can do costs nothing
-- either. Rows refer to their run by id without foreign keys: every row is written by the transaction that has
-- locked its run. Tables whose rows change often leave room in their pages for the next version of a row.

CREATE TABLE {schema}.workflow_runs (
    id                     UUID        NOT NULL PRIMARY KEY,
    workflow_id            TEXT        COLLATE "C" NOT NULL,
    workflow_name          TEXT        COLLATE "C" NOT NULL,
    workflow_type          TEXT        COLLATE "C" NOT NULL,
    definition_fingerprint TEXT        COLLATE "C" NOT NULL,
    status                 TEXT        COLLATE "C" NOT NULL,
    priority               INTEGER     NOT NULL,
    -- Moved by start, end and rerun.
    version                BIGINT      NOT NULL,
    generation             BIGINT      NOT NULL,
    -- Of the run's newest event.
    last_sequence          BIGINT      NOT NULL,
    -- Stages of the output that are still to complete.
    waiting_on             BIGINT      NOT NULL,
    -- Stages that are ready or running.
    active                 BIGINT      NOT NULL,
    -- Stages that wait for something outside.
    suspended              BIGINT      NOT NULL,
    -- Moved by every transaction that writes anything of the run: whoever has waited for the run's lock compares it
    -- with what it saw before, and so learns whether it has to read the run's other rows again.
    commits                BIGINT      NOT NULL DEFAULT 1,
    output                 TEXT COLLATE "C",
    -- The key in blobs of an output that is too large for the row.
    output_blob            TEXT        COLLATE "C",
    error_code             TEXT        COLLATE "C",
    error_message          TEXT        COLLATE "C",
    cancel_reason          TEXT        COLLATE "C",
    -- Of the calls of models that are settled, in all generations; money in millionths of a millionth of a US dollar,
    -- here and below.
    total_cost             BIGINT      NOT NULL DEFAULT 0,
    total_tokens           BIGINT      NOT NULL DEFAULT 0,
    -- The maximum cost of the reserved and unknown calls, and the number of reserved calls; NULL before the first call.
    reserved_cost          BIGINT,
    pending_calls             BIGINT,
    -- What it may spend; NULL without a limit.
    budget                 BIGINT,
    created_at             TIMESTAMPTZ NOT NULL,
    started_at             TIMESTAMPTZ,
    completed_at           TIMESTAMPTZ
) WITH (fillfactor = 70);

CREATE INDEX workflow_runs_pending
    ON {schema}.workflow_runs (definition_fingerprint, priority DESC, created_at, id) WHERE status = 'PENDING';
CREATE INDEX workflow_runs_unfinished ON {schema}.workflow_runs (workflow_id, created_at, id)
    WHERE completed_at IS NULL;
-- For retention; written once in a run's life.
CREATE INDEX workflow_runs_over ON {schema}.workflow_runs (completed_at, id) WHERE completed_at IS NOT NULL;

-- What a run was started with. It never changes, so it stands apart from what does.
CREATE TABLE {schema}.workflow_run_requests (
    workflow_run_id UUID NOT NULL PRIMARY KEY,
    input           TEXT COLLATE "C" NOT NULL,
    config          TEXT COLLATE "C" NOT NULL,
    metadata        TEXT COLLATE "C"
);

CREATE TABLE {schema}.workflow_stages (
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    stage_name      TEXT   COLLATE "C" NOT NULL,
    -- 1-based position in reading order.
    stage_number    BIGINT NOT NULL,
    -- 1-based longest-path level.
    execution_group BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    status          TEXT   COLLATE "C" NOT NULL,
    attempt         BIGINT NOT NULL,
    -- Stages before it that are still to complete.
    waiting_on      BIGINT NOT NULL,
    -- The ticket of a stage that waits, here or in blobs, and when it is given up.
    suspended_state      TEXT COLLATE "C",
    suspended_state_blob TEXT COLLATE "C",
    max_wait_until       TIMESTAMPTZ,
    output          TEXT COLLATE "C",
    output_blob     TEXT COLLATE "C",
    error_message   TEXT COLLATE "C",
    -- What it has measured, a JSON object of numbers.
    metrics         TEXT COLLATE "C",
    -- As of the run; NULL before its first call of a model.
    total_cost      BIGINT,
    total_tokens    BIGINT,
    reserved_cost   BIGINT,
    pending_calls      BIGINT,
    -- What it may spend where the run says so.
    budget          BIGINT,
    -- What the call can cost that it was refused, while it waits for a budget.
    awaited_cost    BIGINT,
    started_at      TIMESTAMPTZ,
    completed_at    TIMESTAMPTZ,
    PRIMARY KEY (workflow_run_id, stage_id)
) WITH (fillfactor = 70);

-- One row for each stage that is ready, under a lease or dead; deleted when the stage completes.
CREATE TABLE {schema}.job_queue (
    workflow_run_id        UUID    NOT NULL,
    stage_id               TEXT    COLLATE "C" NOT NULL,
    workflow_id            TEXT    COLLATE "C" NOT NULL,
    definition_fingerprint TEXT    COLLATE "C" NOT NULL,
    generation             BIGINT  NOT NULL,
    status                 TEXT    COLLATE "C" NOT NULL,
    priority               INTEGER NOT NULL,
    attempt                BIGINT  NOT NULL,
    max_attempts           BIGINT  NOT NULL,
    -- Raised by each claim, reset by nothing: the fence.
    lease_epoch            BIGINT  NOT NULL,
    worker_id              TEXT    COLLATE "C",
    leased_until           TIMESTAMPTZ,
    run_at                 TIMESTAMPTZ NOT NULL,
    -- A wake came while a check was running.
    woken                  BOOLEAN NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX job_queue_pending
    ON {schema}.job_queue (definition_fingerprint, priority DESC, run_at, workflow_run_id, stage_id)
    WHERE status = 'PENDING';
CREATE INDEX job_queue_suspended ON {schema}.job_queue (definition_fingerprint, run_at, workflow_run_id, stage_id)
    WHERE status = 'SUSPENDED';
CREATE INDEX job_queue_leased ON {schema}.job_queue (leased_until, workflow_run_id, stage_id)
    WHERE status = 'RUNNING';

CREATE TABLE {schema}.outbox_events (
    workflow_run_id UUID   NOT NULL,
    -- 1, 2, 3, … without a gap.
    sequence        BIGINT NOT NULL,
    event_type      TEXT   COLLATE "C" NOT NULL,
    payload         TEXT COLLATE "C" NOT NULL,
    causation_id    TEXT   COLLATE "C",
    occurred_at     TIMESTAMPTZ NOT NULL,
    -- When its subscribers were handed it; at once where nobody listens.
    published_at    TIMESTAMPTZ,
    PRIMARY KEY (workflow_run_id, sequence)
);

CREATE INDEX outbox_events_unpublished ON {schema}.outbox_events (workflow_run_id, sequence)
    WHERE published_at IS NULL;

-- What a subscriber (a plugin, or the sink) has still to be told of a run; deleted when it has heard everything.
CREATE TABLE {schema}.plugin_deliveries (
    workflow_run_id UUID   NOT NULL,
    plugin          TEXT   COLLATE "C" NOT NULL,
    -- 0 for the run's stream of events; the event's sequence number where it was given up alone.
    letter          BIGINT NOT NULL,
    -- The next event to be delivered, and the last one that is known to concern the subscriber.
    next_sequence   BIGINT NOT NULL,
    last_sequence   BIGINT NOT NULL,
    -- Raised by each claim of a flusher: the fence.
    lease_epoch     BIGINT NOT NULL,
    -- How often the next event was refused, and why the last time.
    retry_count     BIGINT NOT NULL,
    error_message   TEXT   COLLATE "C",
    -- Not offered before: the end of a flusher's lease, or of the backoff.
    due_at          TIMESTAMPTZ NOT NULL,
    -- When the next event was given up: a dead letter.
    dlq_at          TIMESTAMPTZ,
    PRIMARY KEY (workflow_run_id, plugin, letter)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX plugin_deliveries_due ON {schema}.plugin_deliveries (plugin, due_at, workflow_run_id, letter)
    WHERE dlq_at IS NULL;
CREATE INDEX plugin_deliveries_dead ON {schema}.plugin_deliveries (plugin, dlq_at, workflow_run_id, letter)
    WHERE dlq_at IS NOT NULL;

-- Keys of commands, scoped by the command's name, written in the command's own transaction.
CREATE TABLE {schema}.idempotency_keys (
    command         TEXT COLLATE "C" NOT NULL,
    key             TEXT COLLATE "C" NOT NULL,
    workflow_run_id UUID NOT NULL,
    request_hash    TEXT COLLATE "C" NOT NULL,
    result          TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (command, key)
);

CREATE INDEX idempotency_keys_by_run ON {schema}.idempotency_keys (workflow_run_id);

-- Payloads that are too large for a row.
CREATE TABLE {schema}.blobs (
    key             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workflow_run_id UUID NOT NULL,
    value           TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX blobs_by_run ON {schema}.blobs (workflow_run_id);

CREATE TABLE {schema}.workflow_logs (
    id              BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    attempt         BIGINT NOT NULL,
    level           TEXT   COLLATE "C" NOT NULL,
    message         TEXT   COLLATE "C" NOT NULL,
    metadata        TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX workflow_logs_by_run ON {schema}.workflow_logs (workflow_run_id, id);

-- What stages keep beside their outputs.
CREATE TABLE {schema}.workflow_artifacts (
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    key             TEXT   COLLATE "C" NOT NULL,
    generation      BIGINT NOT NULL,
    type            TEXT   COLLATE "C" NOT NULL,
    data            TEXT COLLATE "C",
    data_blob       TEXT   COLLATE "C",
    metadata        TEXT COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, key)
);

-- What people, programs and stages note about runs: one row an attribute.
CREATE TABLE {schema}.annotations (
    id              BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C",
    generation      BIGINT NOT NULL,
    attempt         BIGINT,
    key             TEXT   COLLATE "C" NOT NULL,
    value           TEXT   COLLATE "C" NOT NULL,
    actor           TEXT   COLLATE "C",
    scope           TEXT   COLLATE "C",
    payload         TEXT   COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX annotations_by_run ON {schema}.annotations (workflow_run_id, id);
CREATE INDEX annotations_by_key ON {schema}.annotations (key, id);

-- The ledger: one row a call of a model.
CREATE TABLE {schema}.ai_calls (
    id                  UUID   NOT NULL PRIMARY KEY,
    -- NULL outside of a stage, as are stage and what is 0 there.
    workflow_run_id     UUID,
    generation          BIGINT NOT NULL,
    attempt             BIGINT NOT NULL,
    -- Of the lease under which it was made.
    lease_epoch         BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cost                BIGINT NOT NULL,
    -- The maximum cost of a reserved or unknown call.
    reserved            BIGINT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    ended_at            TIMESTAMPTZ,
    -- RESERVED, SETTLED, FAILED, UNKNOWN.
    outcome             TEXT COLLATE "C" NOT NULL,
    stage_id            TEXT COLLATE "C",
    -- Segments, joined by dots.
    topic               TEXT COLLATE "C" NOT NULL,
    call_type           TEXT COLLATE "C" NOT NULL,
    model_key           TEXT COLLATE "C" NOT NULL,
    model_id            TEXT COLLATE "C" NOT NULL,
    error_message       TEXT COLLATE "C",
    metadata            TEXT COLLATE "C",
    prompt              TEXT COLLATE "C",
    response            TEXT COLLATE "C"
);

CREATE INDEX ai_calls_by_run ON {schema}.ai_calls (workflow_run_id, id) WHERE workflow_run_id IS NOT NULL;
CREATE INDEX ai_calls_by_topic ON {schema}.ai_calls (topic, id);
CREATE INDEX ai_calls_open ON {schema}.ai_calls (workflow_run_id, stage_id) WHERE outcome = 'RESERVED';

-- Runs that are purged, and whose blobs outside of the database are not yet.
CREATE TABLE {schema}.purged_runs (
    id UUID NOT NULL PRIMARY KEY
);

-- The rows that a commit hands over, each kind as one array: to take one array of rows apart costs the server a tenth
-- of what an array for each column costs. A type is not changed once it is released; what hands over other columns has
-- a type of its own, so that processes of two versions can share a schema.

CREATE TYPE {schema}.new_key AS (
    workflow_run_id UUID,
    command         TEXT,
    key             TEXT,
    request_hash    TEXT,
    result          TEXT,
    created_at      TIMESTAMPTZ
);

CREATE TYPE {schema}.new_run AS (
    id                     UUID,
    status                 TEXT,
    output                 TEXT,
    output_blob            TEXT,
    error_code             TEXT,
    error_message          TEXT,
    cancel_reason          TEXT,
    version                BIGINT,
    generation             BIGINT,
    last_sequence          BIGINT,
    waiting_on             BIGINT,
    active                 BIGINT,
    suspended              BIGINT,
    started_at             TIMESTAMPTZ,
    completed_at           TIMESTAMPTZ,
    workflow_id            TEXT,
    workflow_name          TEXT,
    definition_fingerprint TEXT,
    priority               BIGINT,
    created_at             TIMESTAMPTZ,
    input                  TEXT,
    config                 TEXT,
    metadata               TEXT
);

CREATE TYPE {schema}.moved_run AS (
    id            UUID,
    status        TEXT,
    output        TEXT,
    output_blob   TEXT,
    error_code    TEXT,
    error_message TEXT,
    cancel_reason TEXT,
    version       BIGINT,
    generation    BIGINT,
    last_sequence BIGINT,
    waiting_on    BIGINT,
    active        BIGINT,
    suspended     BIGINT,
    started_at    TIMESTAMPTZ,
    completed_at  TIMESTAMPTZ
);

CREATE TYPE {schema}.new_stage AS (
    workflow_run_id      UUID,
    stage_id             TEXT,
    status               TEXT,
    generation           BIGINT,
    attempt              BIGINT,
    waiting_on           BIGINT,
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    max_wait_until       TIMESTAMPTZ,
    output               TEXT,
    output_blob          TEXT,
    error_message        TEXT,
    started_at           TIMESTAMPTZ,
    completed_at         TIMESTAMPTZ,
    stage_name           TEXT,
    stage_number         BIGINT,
    execution_group      BIGINT
);

CREATE TYPE {schema}.moved_stage AS (
    workflow_run_id      UUID,
    stage_id             TEXT,
    status               TEXT,
    generation           BIGINT,
    attempt              BIGINT,
    waiting_on           BIGINT,
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    max_wait_until       TIMESTAMPTZ,
    output               TEXT,
    output_blob          TEXT,
    error_message        TEXT,
    started_at           TIMESTAMPTZ,
    completed_at         TIMESTAMPTZ
);

CREATE TYPE {schema}.job AS (
    workflow_run_id        UUID,
    stage_id               TEXT,
    workflow_id            TEXT,
    definition_fingerprint TEXT,
    generation             BIGINT,
    status                 TEXT,
    priority               BIGINT,
    attempt                BIGINT,
    max_attempts           BIGINT,
    lease_epoch            BIGINT,
    worker_id              TEXT,
    leased_until           TIMESTAMPTZ,
    run_at                 TIMESTAMPTZ,
    woken                  BOOLEAN
);

CREATE TYPE {schema}.done_job AS (
    workflow_run_id UUID,
    stage_id        TEXT
);

CREATE TYPE {schema}.new_event AS (
    workflow_run_id UUID,
    sequence        BIGINT,
    event_type      TEXT,
    payload         TEXT,
    occurred_at     TIMESTAMPTZ,
    published_at    TIMESTAMPTZ
);

CREATE TYPE {schema}.new_log AS (
    workflow_run_id UUID,
    stage_id        TEXT,
    attempt         BIGINT,
    level           TEXT,
    message         TEXT,
    metadata        TEXT,
    created_at      TIMESTAMPTZ
);

CREATE TYPE {schema}.new_blob AS (
    key             TEXT,
    workflow_run_id UUID,
    value           TEXT,
    created_at      TIMESTAMPTZ
);
