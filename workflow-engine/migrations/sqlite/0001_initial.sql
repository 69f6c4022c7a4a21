-- The tables of a store on SQLite.
--
-- Ids are UUIDv7 in their hyphenated form: they sort by age. Instants are whole microseconds since
-- 1970-01-01T00:00:00Z. Payloads are JSON text exactly as it was written: SQLite's own JSON types would rewrite
-- numbers. Statuses are PENDING, RUNNING, SUSPENDED, COMPLETED, FAILED, CANCELLED, SKIPPED and, of jobs, DEAD.
--
-- The indexes are partial: they hold pending work only, so terminal runs cost the hot path nothing. The indexes of work
-- for a worker begin with the definition, so the work of other workers costs nothing either. Rows refer to their run by
-- id without foreign keys: the transaction that writes a row has read its run.

-- The changing part of a run. Its request is in the row of its first commit, because SQLite rewrites a whole row to
-- change one number of it.
CREATE TABLE {prefix}runs (
    id                     TEXT    NOT NULL PRIMARY KEY,
    workflow_id            TEXT    NOT NULL,
    workflow_name          TEXT    NOT NULL,
    workflow_type          TEXT    NOT NULL,
    definition_fingerprint TEXT    NOT NULL,
    status                 TEXT    NOT NULL,
    priority               INTEGER NOT NULL,
    -- Moved by structural changes: start, end, rerun, recount.
    version                INTEGER NOT NULL,
    generation             INTEGER NOT NULL,
    -- The sequence number of the run's newest event.
    last_sequence          INTEGER NOT NULL,
    -- The number of stages that make up the output and have not completed.
    waiting_on             INTEGER NOT NULL,
    -- The number of stages that are ready or running.
    active                 INTEGER NOT NULL,
    -- The number of stages that wait for something outside.
    suspended              INTEGER NOT NULL,
    output                 TEXT,
    -- The key in blobs of an output that is too large for the row.
    output_blob            TEXT,
    error_code             TEXT,
    error_message          TEXT,
    cancel_reason          TEXT,
    -- The settled model calls of all generations. Amounts of money are picodollars (1e-12 US dollars), here and below.
    total_cost             INTEGER NOT NULL DEFAULT 0,
    total_tokens           INTEGER NOT NULL DEFAULT 0,
    -- The most that reserved and unknown calls can cost, and the number of reserved ones; NULL before the first call.
    reserved_cost          INTEGER,
    pending_calls             INTEGER,
    -- The most that the run may spend; NULL without a limit.
    budget                 INTEGER,
    created_at             INTEGER NOT NULL,
    started_at             INTEGER,
    completed_at           INTEGER,
    -- The worker that holds jobs without rows; NULL while there are none.
    owner                  TEXT,
    -- How the stages without rows differ from the outline: a JSON array. ["id", n] is a stage that still waits for n
    -- predecessors; ["id", since, length, max_attempts, max_crashes] one that the owner runs in its first attempt, under a
    -- lease of this length since that instant, in microseconds.
    held                   TEXT,
    -- An instant at or before the end of each of these leases.
    held_until             INTEGER,
    -- The number of the commit that has the outline; NULL where every stage has a row.
    outline_sequence       INTEGER,
    -- The instant before which the run is not started, and the time between its creation and that instant where the caller
    -- has given a time; NULL for a run that starts at once. Times are in microseconds.
    due_at                 INTEGER,
    due_after              INTEGER,
    -- The instant at which the run fails, and the longest time of the run; NULL without a deadline.
    deadline_at            INTEGER,
    deadline               INTEGER,
    -- The run and the stage that have started the run, the generation in which they did, the number of runs above it, and
    -- whether the stage waits for its end; NULL for a run that no stage has started.
    parent_run_id          TEXT,
    parent_stage_id        TEXT,
    parent_generation      INTEGER,
    depth                  INTEGER,
    is_awaited             INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}runs_pending ON {prefix}runs (definition_fingerprint, priority DESC, created_at)
    WHERE status = 'PENDING' AND due_at IS NULL;
-- The runs that start later. A claim does not read them.
CREATE INDEX {prefix}runs_due ON {prefix}runs (definition_fingerprint, due_at)
    WHERE status = 'PENDING' AND due_at IS NOT NULL;
CREATE INDEX {prefix}runs_deadline ON {prefix}runs (deadline_at)
    WHERE completed_at IS NULL AND deadline_at IS NOT NULL;
CREATE INDEX {prefix}runs_unfinished ON {prefix}runs (workflow_id, created_at) WHERE completed_at IS NULL;
CREATE INDEX {prefix}runs_held ON {prefix}runs (held_until) WHERE owner IS NOT NULL;
-- For retention. Each run is inserted at its end.
CREATE INDEX {prefix}runs_over ON {prefix}runs (completed_at) WHERE completed_at IS NOT NULL;
-- For lists of runs. A run that succeeds is never in it.
CREATE INDEX {prefix}runs_ended ON {prefix}runs (status, id) WHERE status IN ('FAILED', 'CANCELLED');

-- The children of runs. A run that no stage has started is not in it.
CREATE INDEX {prefix}runs_children ON {prefix}runs (parent_run_id, id) WHERE parent_run_id IS NOT NULL;

-- The tags of runs. A run without tags has no row here.
CREATE TABLE {prefix}run_tags (
    workflow_run_id TEXT NOT NULL,
    key             TEXT NOT NULL,
    value           TEXT NOT NULL,
    PRIMARY KEY (workflow_run_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}run_tags_by_value ON {prefix}run_tags (key, value, workflow_run_id);

-- Runs that programs have enqueued in transactions of their own. A worker creates each, and deletes its row in the same
-- transaction.
CREATE TABLE {prefix}enqueued_runs (
    -- The id of the run to be created.
    run_id          TEXT NOT NULL PRIMARY KEY,
    workflow_id     TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    request_hash    TEXT,
    -- The command run.create as JSON.
    command         TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}enqueued_runs_by_workflow ON {prefix}enqueued_runs (workflow_id, run_id);

-- The stages that are more than the row of their run says: completed, failed, cancelled, suspended or retried ones, those
-- in the queue or with metrics or costs, and all stages of a run without an outline.
CREATE TABLE {prefix}stage_rows (
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    -- The place of the stage in its run; empty outside of repeated parts. So it is in all tables.
    place           TEXT    NOT NULL DEFAULT '',
    stage_name      TEXT    NOT NULL,
    -- The 1-based position in reading order.
    stage_number    INTEGER NOT NULL,
    -- The 1-based level: the length of the longest path to the stage.
    execution_group INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    status          TEXT    NOT NULL,
    attempt         INTEGER NOT NULL,
    -- The number of predecessors that have not completed.
    waiting_on      INTEGER NOT NULL,
    -- The number of the arm that the output has chosen, from 0; NULL for a stage that no match follows.
    arm             INTEGER,
    -- The ticket of a suspended stage, here or in blobs, and the instant at which its wait times out.
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    max_wait_until       INTEGER,
    -- The instant at which max_wait_until was written. Where it lies in the future, the clock was set back since.
    wait_written_at      INTEGER NOT NULL,
    output          TEXT,
    output_blob     TEXT,
    error_message   TEXT,
    -- Why a stage of the catch failed that this stage ends, as JSON; NULL without a failure.
    failure         TEXT,
    -- The metrics, a JSON object of numbers.
    metrics         TEXT,
    -- As in workflow_runs; NULL before the stage's first model call.
    total_cost      INTEGER,
    total_tokens    INTEGER,
    reserved_cost   INTEGER,
    pending_calls      INTEGER,
    -- The budget that the run has set for the stage; NULL where the declared one counts.
    budget          INTEGER,
    -- The most that the refused call can cost, while the stage waits for its budget.
    awaited_cost    INTEGER,
    started_at      INTEGER,
    completed_at    INTEGER,
    PRIMARY KEY (workflow_run_id, stage_id, place)
) STRICT, WITHOUT ROWID;

-- One row for each stage that is ready, leased, suspended or dead, except for those that the row of their run describes.
-- Deleted when the stage completes.
CREATE TABLE {prefix}job_queue (
    workflow_run_id        TEXT    NOT NULL,
    stage_id               TEXT    NOT NULL,
    place                  TEXT    NOT NULL DEFAULT '',
    workflow_id            TEXT    NOT NULL,
    definition_fingerprint TEXT    NOT NULL,
    generation             INTEGER NOT NULL,
    status                 TEXT    NOT NULL,
    priority               INTEGER NOT NULL,
    attempt                INTEGER NOT NULL,
    -- The number of the last attempt. Each crash raises it, because crashes have a limit of their own.
    max_attempts           INTEGER NOT NULL,
    -- The attempts of which the worker was lost.
    crashes                INTEGER NOT NULL,
    max_crashes            INTEGER NOT NULL,
    -- The fence. Each claim raises it, and nothing resets it.
    lease_epoch            INTEGER NOT NULL,
    worker_id              TEXT,
    leased_until           INTEGER,
    run_at                 INTEGER NOT NULL,
    -- The instant at which leased_until or run_at was written, as in workflow_stages.
    due_written_at         INTEGER NOT NULL,
    -- 1 when the stage was woken while a check was running.
    woken                  INTEGER NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}job_queue_pending ON {prefix}job_queue (definition_fingerprint, priority DESC, run_at)
    WHERE status = 'PENDING';
CREATE INDEX {prefix}job_queue_suspended ON {prefix}job_queue (definition_fingerprint, run_at) WHERE status = 'SUSPENDED';
CREATE INDEX {prefix}job_queue_leased ON {prefix}job_queue (leased_until) WHERE status = 'RUNNING';

-- One row for each commit of a run that wrote events, with all of them. The first commit creates the run.
CREATE TABLE {prefix}commits (
    workflow_run_id TEXT    NOT NULL,
    -- The numbers of the first and of the last event. The events of a run have the numbers 1, 2, 3, and so on, without
    -- a gap.
    sequence        INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    occurred_at     INTEGER NOT NULL,
    -- The instant at which the events were passed on to their subscribers; without subscribers, that of the commit.
    published_at    INTEGER,
    -- The command or the lease that caused the commit.
    causation_id    TEXT    NOT NULL,
    -- The types and the payloads of the events: two JSON arrays, with an element for each event.
    event_types     TEXT    NOT NULL,
    events          TEXT    NOT NULL,
    -- The stages as they begin, in the commit that starts the run: a JSON array in reading order, with the id, the level
    -- and the number of predecessors of each stage, and its name where that differs from the id.
    outline         TEXT,
    -- The request that created the run; NULL in later commits. It comes last, so that events are read without it.
    input           TEXT,
    config          TEXT,
    metadata        TEXT,
    PRIMARY KEY (workflow_run_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}commits_unpublished ON {prefix}commits (workflow_run_id, sequence) WHERE published_at IS NULL;

-- The events one by one, to be read.
CREATE VIEW {prefix}outbox_events AS
    SELECT c.workflow_run_id, c.sequence + t.key AS sequence, t.value AS event_type, c.events -> t.key AS payload,
        c.causation_id, c.occurred_at, c.published_at
    FROM {prefix}commits AS c CROSS JOIN json_each(c.event_types) AS t;

-- All stages of the runs that have started, to be read.
CREATE VIEW {prefix}stages AS
    SELECT workflow_run_id, stage_id, place, stage_name, stage_number, execution_group, generation, status, attempt, waiting_on,
        suspended_state, suspended_state_blob, max_wait_until, output, output_blob, error_message, metrics, total_cost,
        total_tokens, reserved_cost, pending_calls, budget, awaited_cost, started_at, completed_at
    FROM {prefix}stage_rows
    UNION ALL
    SELECT r.id, o.value ->> 0, '', coalesce(o.value ->> 3, o.value ->> 0), o.key + 1, o.value ->> 1, 1,
        iif(json_array_length(h.value) > 2, 'RUNNING', 'PENDING'), iif(json_array_length(h.value) > 2, 1, 0),
        CASE json_array_length(h.value) WHEN 5 THEN 0 WHEN 2 THEN h.value ->> 1 ELSE o.value ->> 2 END,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        iif(json_array_length(h.value) > 2, h.value ->> 1, NULL), NULL
    FROM {prefix}runs AS r
    JOIN {prefix}commits AS c ON c.workflow_run_id = r.id AND c.sequence = r.outline_sequence
    CROSS JOIN json_each(c.outline) AS o
    LEFT JOIN json_each(r.held) AS h ON h.value ->> 0 = o.value ->> 0
    WHERE NOT EXISTS (
        SELECT 1 FROM {prefix}stage_rows AS s WHERE s.workflow_run_id = r.id AND s.stage_id = o.value ->> 0 AND s.place = '');

-- The leases of all workers on stages, to be read.
CREATE VIEW {prefix}leases AS
    SELECT workflow_run_id, stage_id, place, worker_id, attempt, lease_epoch, leased_until FROM {prefix}job_queue
    WHERE status = 'RUNNING'
    UNION ALL
    SELECT r.id, h.value ->> 0, '', r.owner, 1, 1, (h.value ->> 1) + (h.value ->> 2)
    FROM {prefix}runs AS r CROSS JOIN json_each(r.held) AS h
    WHERE r.owner IS NOT NULL AND json_array_length(h.value) > 2;

-- The requests that created the runs, to be read.
CREATE VIEW {prefix}run_requests AS
    SELECT workflow_run_id, input, config, metadata FROM {prefix}commits WHERE sequence = 1;

-- The definitions of workflows that processes have registered.
CREATE TABLE {prefix}definitions (
    fingerprint   TEXT    NOT NULL PRIMARY KEY,
    workflow_id   TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    -- The stages, their places and the schemas, as JSON.
    description   TEXT    NOT NULL,
    first_seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The workers of all processes: written when a worker starts and when it drains.
CREATE TABLE {prefix}workers (
    -- No number is used twice: events carry it.
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    -- Identifies the process on its machine.
    process     TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    concurrency INTEGER NOT NULL,
    -- The fingerprints of its definitions: a JSON array of texts.
    definitions TEXT    NOT NULL,
    started_at  INTEGER NOT NULL,
    drained_at  INTEGER
) STRICT;

-- The plugins, and the sink, that receive events. While there is any, each commit leaves its events unpublished.
CREATE TABLE {prefix}subscribers (
    name        TEXT    NOT NULL PRIMARY KEY,
    -- The types of events that it receives: a sorted JSON array of texts.
    event_types TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The pending events of a run for a subscriber (a plugin, or the sink). Deleted when it has received all of them.
CREATE TABLE {prefix}plugin_deliveries (
    workflow_run_id TEXT    NOT NULL,
    plugin          TEXT    NOT NULL,
    -- 0 for the run's stream of events; the event's sequence number for a dead letter that left the stream.
    letter          INTEGER NOT NULL,
    -- The next event to deliver, and the last one that concerns the subscriber.
    next_sequence   INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL,
    -- The fence. Each claim of a flusher raises it.
    lease_epoch     INTEGER NOT NULL,
    -- The number of times that the next event was refused, and the reason of the last refusal.
    retry_count     INTEGER NOT NULL,
    error_message   TEXT,
    -- The flusher that holds it; NULL while none does.
    worker_id       TEXT,
    -- The instant before which it is not claimed: the end of a flusher's lease, or of the backoff.
    due_at          INTEGER NOT NULL,
    -- The instant at which due_at was written, as in workflow_stages.
    due_written_at  INTEGER NOT NULL,
    -- The instant at which the next event became a dead letter.
    dlq_at          INTEGER,
    PRIMARY KEY (workflow_run_id, plugin, letter)
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}plugin_deliveries_due ON {prefix}plugin_deliveries (plugin, due_at, workflow_run_id, letter)
    WHERE dlq_at IS NULL;
CREATE INDEX {prefix}plugin_deliveries_dead ON {prefix}plugin_deliveries (plugin, dlq_at, workflow_run_id, next_sequence)
    WHERE dlq_at IS NOT NULL;
CREATE INDEX {prefix}plugin_deliveries_held ON {prefix}plugin_deliveries (worker_id) WHERE worker_id IS NOT NULL;

-- The idempotency keys of commands, separate for each command. Written in the command's own transaction.
CREATE TABLE {prefix}idempotency_keys (
    command         TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    workflow_run_id TEXT    NOT NULL,
    request_hash    TEXT    NOT NULL,
    result          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (command, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}idempotency_keys_by_run ON {prefix}idempotency_keys (workflow_run_id);

-- Payloads that are too large for a row.
CREATE TABLE {prefix}blobs (
    key             TEXT    NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX {prefix}blobs_by_run ON {prefix}blobs (workflow_run_id);

CREATE TABLE {prefix}logs (
    id              INTEGER NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT,
    place           TEXT    NOT NULL DEFAULT '',
    attempt         INTEGER,
    level           TEXT    NOT NULL,
    message         TEXT    NOT NULL,
    metadata        TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX {prefix}logs_by_run ON {prefix}logs (workflow_run_id, id);

-- The values that stages keep beside their outputs.
CREATE TABLE {prefix}artifacts (
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    place           TEXT    NOT NULL DEFAULT '',
    key             TEXT    NOT NULL,
    generation      INTEGER NOT NULL,
    type            TEXT    NOT NULL,
    data            TEXT,
    data_blob       TEXT,
    metadata        TEXT,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, place, key)
) STRICT, WITHOUT ROWID;

-- The notes of people, programs and stages about runs: one row for each attribute.
CREATE TABLE {prefix}annotations (
    id              INTEGER NOT NULL PRIMARY KEY,
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT,
    place           TEXT    NOT NULL DEFAULT '',
    generation      INTEGER NOT NULL,
    attempt         INTEGER,
    key             TEXT    NOT NULL,
    value           TEXT    NOT NULL,
    actor           TEXT,
    scope           TEXT,
    payload         TEXT,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX {prefix}annotations_by_run ON {prefix}annotations (workflow_run_id, id);
CREATE INDEX {prefix}annotations_by_key ON {prefix}annotations (key, id);
-- The actions from outside.
CREATE INDEX {prefix}annotations_actions ON {prefix}annotations (id)
    WHERE key >= 'operator.' AND key < 'operator/';

-- The signals that stages have received: a queue for each stage. A row is written once, and marked when it is consumed.
CREATE TABLE {prefix}signals (
    workflow_run_id TEXT    NOT NULL,
    stage_id        TEXT    NOT NULL,
    place           TEXT    NOT NULL DEFAULT '',
    -- The position in the queue: 1, 2, 3, and so on, without a gap. Signals are consumed in this order.
    number          INTEGER NOT NULL,
    payload         TEXT    NOT NULL,
    actor           TEXT,
    created_at      INTEGER NOT NULL,
    -- The instant at which a wait consumed it, and the generation of that wait; NULL before.
    consumed_at     INTEGER,
    consumed_by     INTEGER,
    PRIMARY KEY (workflow_run_id, stage_id, place, number)
) STRICT, WITHOUT ROWID;

-- What starts runs by a clock. A tick writes its run and this row in one transaction.
CREATE TABLE {prefix}schedules (
    id          TEXT    NOT NULL PRIMARY KEY,
    workflow_id TEXT    NOT NULL,
    -- When to start what, as JSON.
    schedule    TEXT    NOT NULL,
    -- What it has done, as JSON.
    state       TEXT    NOT NULL,
    -- Raised by each write. That of a later schedule with the same id is higher, too.
    version     INTEGER NOT NULL,
    -- The oldest tick that is not handled; NULL where none follows.
    next_at     INTEGER,
    -- The instant at which it is handled; NULL while nothing is due.
    due_at      INTEGER,
    -- The instant of the last write.
    written_at  INTEGER NOT NULL,
    -- The run for whose end the next tick waits.
    blocked_by  TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX {prefix}schedules_due ON {prefix}schedules (workflow_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX {prefix}schedules_written ON {prefix}schedules (written_at) WHERE due_at IS NOT NULL;
CREATE INDEX {prefix}schedules_blocked ON {prefix}schedules (workflow_id, blocked_by) WHERE blocked_by IS NOT NULL;

-- The ledger: one row for each model call. Texts come last, so that sums do not read them.
CREATE TABLE {prefix}ai_calls (
    id                  TEXT    NOT NULL PRIMARY KEY,
    -- NULL outside of a stage, as is the stage; generation, attempt and epoch are 0 there.
    workflow_run_id     TEXT,
    stage_id            TEXT,
    place               TEXT    NOT NULL DEFAULT '',
    generation          INTEGER NOT NULL,
    attempt             INTEGER NOT NULL,
    -- The epoch of the lease under which the call was made.
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
    -- The most that a reserved or unknown call can cost; otherwise 0.
    reserved            INTEGER NOT NULL,
    created_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    error_message       TEXT,
    metadata            TEXT,
    prompt              TEXT,
    response            TEXT,
    -- Whether `cost_hours` has it.
    is_rolled_up        INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX {prefix}ai_calls_by_run ON {prefix}ai_calls (workflow_run_id, id) WHERE workflow_run_id IS NOT NULL;
CREATE INDEX {prefix}ai_calls_by_topic ON {prefix}ai_calls (topic, id);
CREATE INDEX {prefix}ai_calls_open ON {prefix}ai_calls (workflow_run_id, stage_id, place) WHERE outcome = 'RESERVED';
CREATE INDEX {prefix}ai_calls_not_rolled_up ON {prefix}ai_calls (created_at) WHERE NOT is_rolled_up;

-- Sums over calls, which stay when their runs are deleted.
CREATE TABLE {prefix}cost_hours (
    hour                INTEGER NOT NULL,
    -- Empty outside of a run, as is the stage.
    workflow_id         TEXT    NOT NULL,
    stage_id            TEXT    NOT NULL,
    model_key           TEXT    NOT NULL,
    calls               INTEGER NOT NULL,
    failed_calls        INTEGER NOT NULL,
    input_tokens        INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    cost                INTEGER NOT NULL,
    -- Calls of deleted runs whose outcome stays unknown, and the most that they can have cost.
    unknown_calls       INTEGER NOT NULL,
    unknown_cost        INTEGER NOT NULL,
    PRIMARY KEY (hour, workflow_id, stage_id, model_key)
) STRICT, WITHOUT ROWID;

-- Purged runs whose blobs outside of the database are still to be deleted.
CREATE TABLE {prefix}purged_runs (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
