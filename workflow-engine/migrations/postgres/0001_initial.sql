-- The tables of a store on PostgreSQL. `{schema}` is the schema's name, filled in when a store is opened.
--
-- Ids are UUIDv7, which sort by age. Instants are TIMESTAMPTZ, so the time zone of a session does not matter. Payloads
-- are JSON text exactly as it was written: `jsonb` refuses some texts and rewrites numbers. PostgreSQL's text cannot
-- hold U+0000; it is stored as U+001A followed by `0`, and U+001A itself is stored twice. Texts are compared byte by
-- byte (COLLATE "C"). Statuses are PENDING, RUNNING, SUSPENDED, COMPLETED, FAILED, CANCELLED, SKIPPED and, for jobs,
-- DEAD.
--
-- The indexes of pending work are partial, so terminal runs cost the hot path nothing; they begin with the definition,
-- so work that only other workers can claim costs nothing either. Rows refer to their run by id without foreign keys:
-- the transaction that writes a row has locked its run. Tables whose rows change often leave room in their pages for
-- the next version of a row.

CREATE TABLE {schema}.workflow_runs (
    id                     UUID        NOT NULL PRIMARY KEY,
    workflow_id            TEXT        COLLATE "C" NOT NULL,
    workflow_name          TEXT        COLLATE "C" NOT NULL,
    workflow_type          TEXT        COLLATE "C" NOT NULL,
    definition_fingerprint TEXT        COLLATE "C" NOT NULL,
    status                 TEXT        COLLATE "C" NOT NULL,
    priority               INTEGER     NOT NULL,
    -- Raised by start, end and rerun.
    version                BIGINT      NOT NULL,
    generation             BIGINT      NOT NULL,
    -- The number of the run's newest event.
    last_sequence          BIGINT      NOT NULL,
    -- The number of output stages that have not completed.
    waiting_on             BIGINT      NOT NULL,
    -- The number of stages that are ready or running.
    active                 BIGINT      NOT NULL,
    -- The number of stages that wait for something outside.
    suspended              BIGINT      NOT NULL,
    -- Moved by every transaction that writes a row of the run, except its deliveries and renewals of leases. A
    -- transaction that has waited for the run's lock, or uses cached rows, compares it with the value that it saw
    -- before, and so learns whether it has to read the run's rows again.
    commits                BIGINT      NOT NULL DEFAULT 1,
    output                 TEXT COLLATE "C",
    -- The key, in blobs, of an output that is too large for the row.
    output_blob            TEXT        COLLATE "C",
    error_code             TEXT        COLLATE "C",
    error_message          TEXT        COLLATE "C",
    cancel_reason          TEXT        COLLATE "C",
    -- The totals of settled calls of models, over all generations. Here and below, money is in picodollars: millionths
    -- of a millionth of a US dollar.
    total_cost             BIGINT      NOT NULL DEFAULT 0,
    total_tokens           BIGINT      NOT NULL DEFAULT 0,
    -- The most that reserved and unknown calls can cost, and the number of reserved calls; NULL before the first call.
    reserved_cost          BIGINT,
    pending_calls          BIGINT,
    -- The most that the run may spend; NULL without a limit.
    budget                 BIGINT,
    created_at             TIMESTAMPTZ NOT NULL,
    started_at             TIMESTAMPTZ,
    completed_at           TIMESTAMPTZ,
    -- The worker that holds jobs without rows; NULL while there are none.
    owner                  TEXT        COLLATE "C",
    -- How the stages without rows differ from the outline: a JSON array. ["id", n] is a stage that still waits for n
    -- predecessors; ["id", since, length, max_attempts, max_crashes] one that the owner runs in its first attempt, under a
    -- lease of this length since that instant, in microseconds.
    held                   TEXT        COLLATE "C",
    -- A time at or before the end of each of these leases.
    held_until             TIMESTAMPTZ,
    -- The number of the commit that has the outline; NULL where every stage has a row.
    outline_sequence       BIGINT,
    -- The instant before which the run is not started, and the time between its creation and that instant where the caller
    -- has given a time; NULL for a run that starts at once. Times are in microseconds.
    due_at                 TIMESTAMPTZ,
    due_after              BIGINT,
    -- The instant at which the run fails, and the longest time of the run; NULL without a deadline.
    deadline_at            TIMESTAMPTZ,
    deadline               BIGINT,
    -- The run and the stage that have started the run, the generation in which they did, the number of runs above it, and
    -- whether the stage waits for its end; NULL for a run that no stage has started.
    parent_run_id          UUID,
    parent_stage_id        TEXT        COLLATE "C",
    parent_generation      BIGINT,
    depth                  BIGINT,
    is_awaited             BIGINT
) WITH (fillfactor = 70);

CREATE INDEX workflow_runs_pending
    ON {schema}.workflow_runs (definition_fingerprint, priority DESC, created_at, id)
    WHERE status = 'PENDING' AND due_at IS NULL;
-- The runs that start later. A claim does not read them.
CREATE INDEX workflow_runs_due ON {schema}.workflow_runs (definition_fingerprint, due_at, id)
    WHERE status = 'PENDING' AND due_at IS NOT NULL;
CREATE INDEX workflow_runs_deadline ON {schema}.workflow_runs (deadline_at, id)
    WHERE completed_at IS NULL AND deadline_at IS NOT NULL;
CREATE INDEX workflow_runs_unfinished ON {schema}.workflow_runs (workflow_id, created_at, id)
    WHERE completed_at IS NULL;
CREATE INDEX workflow_runs_held ON {schema}.workflow_runs (held_until, id) WHERE owner IS NOT NULL;
-- For retention; each end of a run writes it once.
CREATE INDEX workflow_runs_over ON {schema}.workflow_runs (completed_at, id) WHERE completed_at IS NOT NULL;
-- For lists of runs. A run that succeeds is never in it.
CREATE INDEX workflow_runs_ended ON {schema}.workflow_runs (status, id) WHERE status IN ('FAILED', 'CANCELLED');

-- The children of runs. A run that no stage has started is not in it.
CREATE INDEX workflow_runs_children ON {schema}.workflow_runs (parent_run_id, id) WHERE parent_run_id IS NOT NULL;

-- The tags of runs. A run without tags has no row here.
CREATE TABLE {schema}.workflow_run_tags (
    workflow_run_id UUID NOT NULL,
    key             TEXT COLLATE "C" NOT NULL,
    value           TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (workflow_run_id, key)
);

CREATE INDEX workflow_run_tags_by_value ON {schema}.workflow_run_tags (key, value, workflow_run_id);

-- Runs that programs have enqueued in transactions of their own. A worker creates each, and deletes its row in the same
-- transaction.
CREATE TABLE {schema}.workflow_enqueued_runs (
    -- The id of the run to be created.
    run_id          UUID NOT NULL PRIMARY KEY,
    workflow_id     TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE,
    -- NULL where the program cannot compute it.
    request_hash    TEXT COLLATE "C",
    -- The command run.create as JSON.
    command         TEXT COLLATE "C" NOT NULL
);

CREATE INDEX workflow_enqueued_runs_by_workflow ON {schema}.workflow_enqueued_runs (workflow_id, run_id);

-- Enqueues a command run.create. Returns the run's id and the hash of its request, which are those of the first request
-- with this key.
CREATE FUNCTION {schema}.workflow_enqueue_command(
    new_id UUID, new_workflow TEXT, new_key TEXT, new_hash TEXT, new_command TEXT
) RETURNS TABLE (run_id UUID, request_hash TEXT) LANGUAGE plpgsql AS $$
DECLARE
    is_inserted BOOLEAN;
BEGIN
    INSERT INTO {schema}.workflow_enqueued_runs AS e (run_id, workflow_id, idempotency_key, request_hash, command)
    VALUES (new_id, new_workflow, new_key, new_hash, new_command)
    ON CONFLICT DO NOTHING;
    is_inserted := FOUND;
    IF new_key IS NOT NULL THEN
        -- After the insertion, so that a worker that creates the run of the key meanwhile is not missed.
        RETURN QUERY SELECT k.workflow_run_id, k.request_hash FROM {schema}.workflow_idempotency_keys AS k
            WHERE k.command = 'run.create' AND k.key = new_key;
        IF FOUND THEN
            DELETE FROM {schema}.workflow_enqueued_runs AS e WHERE e.run_id = new_id;
            RETURN;
        END IF;
    END IF;
    IF is_inserted THEN
        -- The server sends it when the transaction commits.
        PERFORM pg_notify('workflow_engine.{schema}', 'enqueue');
        RETURN QUERY SELECT new_id, new_hash;
    ELSE
        RETURN QUERY SELECT e.run_id, e.request_hash FROM {schema}.workflow_enqueued_runs AS e
            WHERE e.idempotency_key = new_key;
    END IF;
END
$$;

-- Enqueues a run in the transaction of the caller, in any language, and returns its id. A worker checks the request
-- when it creates the run; a request that it refuses becomes a FAILED run with the reason.
CREATE FUNCTION {schema}.workflow_enqueue(
    key TEXT, workflow TEXT, input JSON, config JSON DEFAULT NULL, priority INTEGER DEFAULT NULL, tags JSON DEFAULT NULL
) RETURNS UUID LANGUAGE sql AS $$
    SELECT q.run_id FROM {schema}.workflow_enqueue_command(
        -- A UUID of version 7: a random one with the time in the first 48 bits.
        encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
            FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid,
        $2, $1, NULL,
        json_build_object('idempotency_key', $1, 'workflow_id', $2, 'input', $3, 'config', $4, 'priority', $5,
            'tags', coalesce($6, '{}'::json))::text
    ) AS q
$$;

-- The stages that are more than the row of their run says: completed, failed, cancelled, suspended or retried ones, those
-- in the queue or with metrics or costs, and all stages of a run without an outline.
CREATE TABLE {schema}.workflow_stage_rows (
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    -- The place of the stage in its run; empty outside of repeated parts. So it is in all tables.
    place           TEXT   COLLATE "C" NOT NULL DEFAULT '',
    stage_name      TEXT   COLLATE "C" NOT NULL,
    -- 1-based position in reading order.
    stage_number    BIGINT NOT NULL,
    -- 1-based longest-path level.
    execution_group BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    status          TEXT   COLLATE "C" NOT NULL,
    attempt         BIGINT NOT NULL,
    -- The number of predecessors that have not completed.
    waiting_on      BIGINT NOT NULL,
    -- The number of the arm that the output has chosen, from 0; NULL for a stage that no match follows.
    arm             BIGINT,
    -- The state of a suspended stage, here or in blobs, and when its wait times out.
    suspended_state      TEXT COLLATE "C",
    suspended_state_blob TEXT COLLATE "C",
    max_wait_until       TIMESTAMPTZ,
    -- When max_wait_until was written: in the future, the clock has gone back since.
    wait_written_at      TIMESTAMPTZ,
    output          TEXT COLLATE "C",
    output_blob     TEXT COLLATE "C",
    error_message   TEXT COLLATE "C",
    -- Why a stage of the catch failed that this stage ends, as JSON; NULL without a failure.
    failure         TEXT COLLATE "C",
    -- The stage's metrics, a JSON object of numbers.
    metrics         TEXT COLLATE "C",
    -- As in workflow_runs; NULL before the stage's first call of a model.
    total_cost      BIGINT,
    total_tokens    BIGINT,
    reserved_cost   BIGINT,
    pending_calls   BIGINT,
    -- A budget set for this stage, which counts where it is larger than the declared one; NULL if none was set.
    budget          BIGINT,
    -- While the stage waits for a budget: the most that the refused call can cost.
    awaited_cost    BIGINT,
    started_at      TIMESTAMPTZ,
    completed_at    TIMESTAMPTZ,
    PRIMARY KEY (workflow_run_id, stage_id, place)
) WITH (fillfactor = 90);

-- One row for each stage that is ready, suspended, under a lease or dead, except for those that the row of their run
-- describes; deleted when the stage completes.
CREATE TABLE {schema}.workflow_job_queue (
    workflow_run_id        UUID    NOT NULL,
    stage_id               TEXT    COLLATE "C" NOT NULL,
    place                  TEXT    COLLATE "C" NOT NULL DEFAULT '',
    workflow_id            TEXT    COLLATE "C" NOT NULL,
    definition_fingerprint TEXT    COLLATE "C" NOT NULL,
    generation             BIGINT  NOT NULL,
    status                 TEXT    COLLATE "C" NOT NULL,
    priority               INTEGER NOT NULL,
    attempt                BIGINT  NOT NULL,
    -- The number of the last attempt: raised by each crash, because crashes have a limit of their own.
    max_attempts           BIGINT  NOT NULL,
    -- The attempts whose worker was lost.
    crashes                BIGINT  NOT NULL,
    max_crashes            BIGINT  NOT NULL,
    -- The fence: raised by each claim and never reset.
    lease_epoch            BIGINT  NOT NULL,
    worker_id              TEXT    COLLATE "C",
    leased_until           TIMESTAMPTZ,
    run_at                 TIMESTAMPTZ NOT NULL,
    -- Whether a wake arrived while a check was running.
    woken                  BOOLEAN NOT NULL,
    -- When run_at and leased_until were written: in the future, the clock has gone back since.
    due_written_at         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, place)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX workflow_job_queue_pending
    ON {schema}.workflow_job_queue (definition_fingerprint, priority DESC, run_at, workflow_run_id, stage_id, place)
    WHERE status = 'PENDING';
CREATE INDEX workflow_job_queue_suspended
    ON {schema}.workflow_job_queue (definition_fingerprint, run_at, workflow_run_id, stage_id, place)
    WHERE status = 'SUSPENDED';
CREATE INDEX workflow_job_queue_leased ON {schema}.workflow_job_queue (leased_until, workflow_run_id, stage_id, place)
    WHERE status = 'RUNNING';

-- One row for each commit of a run that wrote events, with all of them. The first commit creates the run.
CREATE TABLE {schema}.workflow_commits (
    workflow_run_id UUID        NOT NULL,
    -- The numbers of the first and of the last event. The events of a run have the numbers 1, 2, 3, and so on, without
    -- gaps.
    sequence        BIGINT      NOT NULL,
    last_sequence   BIGINT      NOT NULL,
    occurred_at     TIMESTAMPTZ NOT NULL,
    -- When the deliveries of the events were created; the time of the commit without subscribers.
    published_at    TIMESTAMPTZ,
    -- The command or the lease that caused the commit.
    causation_id    TEXT        COLLATE "C" NOT NULL,
    -- The types and the payloads of the events: two JSON arrays, with an element for each event.
    event_types     TEXT        COLLATE "C" NOT NULL,
    events          TEXT        COLLATE "C" NOT NULL,
    -- The stages as they begin, in the commit that starts the run: a JSON array in reading order, with the id, the level
    -- and the number of predecessors of each stage, and its name where that differs from the id.
    outline         TEXT        COLLATE "C",
    -- The request that created the run; NULL in later commits.
    input           TEXT        COLLATE "C",
    config          TEXT        COLLATE "C",
    metadata        TEXT        COLLATE "C",
    PRIMARY KEY (workflow_run_id, sequence)
);

CREATE INDEX workflow_commits_unpublished ON {schema}.workflow_commits (workflow_run_id, sequence)
    WHERE published_at IS NULL;

-- The events one by one, to be read.
CREATE VIEW {schema}.workflow_outbox_events AS
    SELECT c.workflow_run_id, c.sequence + e.number - 1 AS sequence, e.event_type, e.payload::text AS payload,
        c.causation_id, c.occurred_at, c.published_at
    FROM {schema}.workflow_commits AS c
    CROSS JOIN LATERAL ROWS FROM (json_array_elements_text(c.event_types::json), json_array_elements(c.events::json))
        WITH ORDINALITY AS e (event_type, payload, number);

-- All stages of the runs that have started, to be read.
CREATE VIEW {schema}.workflow_stages AS
    SELECT s.workflow_run_id, s.stage_id, s.place, s.stage_name, s.stage_number, s.execution_group, s.generation, s.status,
        s.attempt, s.waiting_on, s.suspended_state, s.suspended_state_blob, s.max_wait_until, s.output, s.output_blob,
        s.error_message, s.metrics, s.total_cost, s.total_tokens, s.reserved_cost, s.pending_calls, s.budget,
        s.awaited_cost, s.started_at, s.completed_at
    FROM {schema}.workflow_stage_rows AS s
    UNION ALL
    SELECT r.id, o.stage ->> 0, '', coalesce(o.stage ->> 3, o.stage ->> 0), o.number, (o.stage ->> 1)::bigint, 1::bigint,
        CASE WHEN h.since IS NOT NULL THEN 'RUNNING' ELSE 'PENDING' END, (h.since IS NOT NULL)::int::bigint,
        CASE WHEN h.since IS NOT NULL THEN 0 ELSE coalesce(h.remaining, (o.stage ->> 2)::bigint) END,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, h.since, NULL
    FROM {schema}.workflow_runs AS r
    JOIN {schema}.workflow_commits AS c ON c.workflow_run_id = r.id AND c.sequence = r.outline_sequence
    CROSS JOIN LATERAL json_array_elements(c.outline::json) WITH ORDINALITY AS o (stage, number)
    LEFT JOIN LATERAL (
        SELECT CASE WHEN json_array_length(e.entry) > 2
                THEN TIMESTAMPTZ 'epoch' + (e.entry ->> 1)::bigint * interval '1 microsecond' END AS since,
            CASE WHEN json_array_length(e.entry) = 2 THEN (e.entry ->> 1)::bigint END AS remaining
        FROM json_array_elements(r.held::json) AS e (entry) WHERE e.entry ->> 0 = o.stage ->> 0
    ) AS h ON TRUE
    WHERE NOT EXISTS (
        SELECT 1 FROM {schema}.workflow_stage_rows AS s
        WHERE s.workflow_run_id = r.id AND s.stage_id = o.stage ->> 0 AND s.place = '');

-- The leases of all workers on stages, to be read.
CREATE VIEW {schema}.workflow_leases AS
    SELECT j.workflow_run_id, j.stage_id, j.place, j.worker_id, j.attempt, j.lease_epoch, j.leased_until
    FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING'
    UNION ALL
    SELECT r.id, e.entry ->> 0, '', r.owner, 1, 1,
        TIMESTAMPTZ 'epoch' + ((e.entry ->> 1)::bigint + (e.entry ->> 2)::bigint) * interval '1 microsecond'
    FROM {schema}.workflow_runs AS r CROSS JOIN LATERAL json_array_elements(r.held::json) AS e (entry)
    WHERE r.owner IS NOT NULL AND json_array_length(e.entry) > 2;

-- The requests that created the runs, to be read.
CREATE VIEW {schema}.workflow_run_requests AS
    SELECT c.workflow_run_id, c.input, c.config, c.metadata FROM {schema}.workflow_commits AS c WHERE c.sequence = 1;

-- The definitions of workflows that processes have registered.
CREATE TABLE {schema}.workflow_definitions (
    fingerprint   TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    workflow_id   TEXT   COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    -- The stages, their places and the schemas, as JSON.
    description   TEXT   COLLATE "C" NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL
);

-- The workers of all processes: written when a worker starts and when it drains.
CREATE TABLE {schema}.workflow_workers (
    number      BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT   COLLATE "C" NOT NULL,
    host        TEXT   COLLATE "C" NOT NULL,
    -- Identifies the process on its machine.
    process     TEXT   COLLATE "C" NOT NULL UNIQUE,
    version     TEXT   COLLATE "C" NOT NULL,
    concurrency BIGINT NOT NULL,
    -- The fingerprints of its definitions: a JSON array of texts.
    definitions TEXT   COLLATE "C" NOT NULL,
    -- The application_name of the session in which its process listens; NULL where it does not.
    session     TEXT   COLLATE "C",
    started_at  TIMESTAMPTZ NOT NULL,
    drained_at  TIMESTAMPTZ
);

-- The plugins, and the sink, that receive events. While there is any, each commit leaves its events unpublished.
CREATE TABLE {schema}.workflow_subscribers (
    name        TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    -- The types of events that it receives, sorted.
    event_types TEXT[] COLLATE "C" NOT NULL,
    -- Whether it has its deliveries of the events from before its registration. Nothing is claimed before.
    is_ready    BOOLEAN     NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL
);

-- The events of a run that a subscriber (a plugin, or the sink) has not received; deleted when it has received all.
CREATE TABLE {schema}.workflow_plugin_deliveries (
    workflow_run_id UUID   NOT NULL,
    plugin          TEXT   COLLATE "C" NOT NULL,
    -- 0 for the run's stream of events; the sequence number of an event that is a dead letter by itself.
    letter          BIGINT NOT NULL,
    -- The next event to be delivered, and the last one of the types that the subscriber receives.
    next_sequence   BIGINT NOT NULL,
    last_sequence   BIGINT NOT NULL,
    -- The fence: raised by each claim of a flusher.
    lease_epoch     BIGINT NOT NULL,
    -- How often the delivery of the next event failed, and the last error.
    retry_count     BIGINT NOT NULL,
    error_message   TEXT   COLLATE "C",
    -- The flusher that holds it; NULL while none does.
    worker_id       TEXT   COLLATE "C",
    -- When the delivery can be claimed: at the end of a flusher's lease, or of the backoff.
    due_at          TIMESTAMPTZ NOT NULL,
    -- When due_at was written: in the future, the clock has gone back since.
    due_written_at  TIMESTAMPTZ NOT NULL,
    -- When the next event became a dead letter.
    dlq_at          TIMESTAMPTZ,
    PRIMARY KEY (workflow_run_id, plugin, letter)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX workflow_plugin_deliveries_due ON {schema}.workflow_plugin_deliveries (plugin, due_at, workflow_run_id, letter)
    WHERE dlq_at IS NULL;
CREATE INDEX workflow_plugin_deliveries_dead ON {schema}.workflow_plugin_deliveries (plugin, dlq_at, workflow_run_id, next_sequence)
    WHERE dlq_at IS NOT NULL;
CREATE INDEX workflow_plugin_deliveries_held ON {schema}.workflow_plugin_deliveries (worker_id) WHERE worker_id IS NOT NULL;

-- Idempotency keys, scoped by the command's name and written in the command's own transaction.
CREATE TABLE {schema}.workflow_idempotency_keys (
    command         TEXT COLLATE "C" NOT NULL,
    key             TEXT COLLATE "C" NOT NULL,
    workflow_run_id UUID NOT NULL,
    request_hash    TEXT COLLATE "C" NOT NULL,
    result          TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (command, key)
);

CREATE INDEX workflow_idempotency_keys_by_run ON {schema}.workflow_idempotency_keys (workflow_run_id);

-- Payloads that are too large for a row.
CREATE TABLE {schema}.workflow_blobs (
    key             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workflow_run_id UUID NOT NULL,
    value           TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX workflow_blobs_by_run ON {schema}.workflow_blobs (workflow_run_id);

CREATE TABLE {schema}.workflow_logs (
    id              BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C",
    place           TEXT   COLLATE "C" NOT NULL DEFAULT '',
    attempt         BIGINT,
    level           TEXT   COLLATE "C" NOT NULL,
    message         TEXT   COLLATE "C" NOT NULL,
    metadata        TEXT COLLATE "C" NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX workflow_logs_by_run ON {schema}.workflow_logs (workflow_run_id, id);

-- The artifacts that stages store beside their outputs.
CREATE TABLE {schema}.workflow_artifacts (
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    place           TEXT   COLLATE "C" NOT NULL DEFAULT '',
    key             TEXT   COLLATE "C" NOT NULL,
    generation      BIGINT NOT NULL,
    type            TEXT   COLLATE "C" NOT NULL,
    data            TEXT COLLATE "C",
    data_blob       TEXT   COLLATE "C",
    metadata        TEXT COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workflow_run_id, stage_id, place, key)
);

-- The annotations of people, programs and stages on runs: one row for each attribute.
CREATE TABLE {schema}.workflow_annotations (
    id              BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C",
    place           TEXT   COLLATE "C" NOT NULL DEFAULT '',
    generation      BIGINT NOT NULL,
    attempt         BIGINT,
    key             TEXT   COLLATE "C" NOT NULL,
    value           TEXT   COLLATE "C" NOT NULL,
    actor           TEXT   COLLATE "C",
    scope           TEXT   COLLATE "C",
    payload         TEXT   COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX workflow_annotations_by_run ON {schema}.workflow_annotations (workflow_run_id, id);
CREATE INDEX workflow_annotations_by_key ON {schema}.workflow_annotations (key, id);
-- The actions from outside.
CREATE INDEX workflow_annotations_actions ON {schema}.workflow_annotations (id)
    WHERE key >= 'operator.' AND key < 'operator/';

-- The signals that stages have received: a queue for each stage. A row is written once, and marked when it is consumed.
CREATE TABLE {schema}.workflow_signals (
    workflow_run_id UUID   NOT NULL,
    stage_id        TEXT   COLLATE "C" NOT NULL,
    place           TEXT   COLLATE "C" NOT NULL DEFAULT '',
    -- The position in the queue: 1, 2, 3, and so on, without a gap. Signals are consumed in this order.
    number          BIGINT NOT NULL,
    payload         TEXT   COLLATE "C" NOT NULL,
    actor           TEXT   COLLATE "C",
    created_at      TIMESTAMPTZ NOT NULL,
    -- When a wait consumed it, and the generation of that wait; NULL before.
    consumed_at     TIMESTAMPTZ,
    consumed_by     BIGINT,
    PRIMARY KEY (workflow_run_id, stage_id, place, number)
);

-- What starts runs by a clock. A tick writes its run and this row in one transaction.
CREATE TABLE {schema}.workflow_schedules (
    id          TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    workflow_id TEXT   COLLATE "C" NOT NULL,
    -- When to start what, as JSON.
    schedule    TEXT   COLLATE "C" NOT NULL,
    -- What it has done, as JSON.
    state       TEXT   COLLATE "C" NOT NULL,
    -- Raised by each write. That of a later schedule with the same id is higher, too.
    version     BIGINT NOT NULL,
    -- The oldest tick that is not handled; NULL where none follows.
    next_at     TIMESTAMPTZ,
    -- The instant at which it is handled; NULL while nothing is due.
    due_at      TIMESTAMPTZ,
    -- The instant of the last write.
    written_at  TIMESTAMPTZ NOT NULL,
    -- The run for whose end the next tick waits.
    blocked_by  UUID
) WITH (fillfactor = 70);

CREATE INDEX workflow_schedules_due ON {schema}.workflow_schedules (workflow_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX workflow_schedules_written ON {schema}.workflow_schedules (written_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX workflow_schedules_blocked ON {schema}.workflow_schedules (workflow_id, blocked_by, id)
    WHERE blocked_by IS NOT NULL;

-- The ledger: one row for each call of a model.
CREATE TABLE {schema}.workflow_ai_calls (
    id                  UUID   NOT NULL PRIMARY KEY,
    -- Outside of a stage, the run and the stage are NULL, and generation, attempt and lease_epoch are 0.
    workflow_run_id     UUID,
    generation          BIGINT NOT NULL,
    attempt             BIGINT NOT NULL,
    -- The epoch of the lease under which the call was made.
    lease_epoch         BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cost                BIGINT NOT NULL,
    -- The most that a reserved or unknown call can cost.
    reserved            BIGINT NOT NULL,
    created_at          TIMESTAMPTZ NOT NULL,
    ended_at            TIMESTAMPTZ,
    -- RESERVED, SETTLED, FAILED, UNKNOWN.
    outcome             TEXT COLLATE "C" NOT NULL,
    stage_id            TEXT COLLATE "C",
    place               TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- Segments, joined by dots.
    topic               TEXT COLLATE "C" NOT NULL,
    call_type           TEXT COLLATE "C" NOT NULL,
    model_key           TEXT COLLATE "C" NOT NULL,
    model_id            TEXT COLLATE "C" NOT NULL,
    error_message       TEXT COLLATE "C",
    metadata            TEXT COLLATE "C",
    prompt              TEXT COLLATE "C",
    response            TEXT COLLATE "C",
    -- Whether `workflow_cost_hours` has it.
    is_rolled_up        BOOLEAN NOT NULL DEFAULT false
);

CREATE INDEX workflow_ai_calls_by_run ON {schema}.workflow_ai_calls (workflow_run_id, id) WHERE workflow_run_id IS NOT NULL;
CREATE INDEX workflow_ai_calls_by_topic ON {schema}.workflow_ai_calls (topic, id);
CREATE INDEX workflow_ai_calls_open ON {schema}.workflow_ai_calls (workflow_run_id, stage_id, place)
    WHERE outcome = 'RESERVED';
CREATE INDEX workflow_ai_calls_not_rolled_up ON {schema}.workflow_ai_calls (created_at) WHERE NOT is_rolled_up;

-- Sums over calls, which stay when their runs are deleted.
CREATE TABLE {schema}.workflow_cost_hours (
    hour                TIMESTAMPTZ NOT NULL,
    calls               BIGINT NOT NULL,
    failed_calls        BIGINT NOT NULL,
    input_tokens        BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens       BIGINT NOT NULL,
    cost                BIGINT NOT NULL,
    -- Calls of deleted runs whose outcome stays unknown, and the most that they can have cost.
    unknown_calls       BIGINT NOT NULL,
    unknown_cost        BIGINT NOT NULL,
    -- Empty outside of a run, as is the stage.
    workflow_id         TEXT COLLATE "C" NOT NULL,
    stage_id            TEXT COLLATE "C" NOT NULL,
    model_key           TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hour, workflow_id, stage_id, model_key)
);

-- Purged runs whose blobs outside of the database are still to be deleted.
CREATE TABLE {schema}.workflow_purged_runs (
    id UUID NOT NULL PRIMARY KEY
);

-- The rows of a commit; each kind is sent as one array. Unpacking one array of rows costs the server a tenth of what
-- one array for each column costs. A released type never changes: a version that sends other columns adds a type, so
-- that processes of two versions can share a schema.

CREATE TYPE {schema}.workflow_new_key AS (
    workflow_run_id UUID,
    command         TEXT,
    key             TEXT,
    request_hash    TEXT,
    result          TEXT,
    created_at      TIMESTAMPTZ
);

CREATE TYPE {schema}.workflow_new_run AS (
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
    owner                  TEXT,
    held                   TEXT,
    held_until             TIMESTAMPTZ,
    outline_sequence       BIGINT,
    deadline_at            TIMESTAMPTZ,
    id                     UUID,
    workflow_id            TEXT,
    workflow_type          TEXT,
    workflow_name          TEXT,
    definition_fingerprint TEXT,
    priority               BIGINT,
    created_at             TIMESTAMPTZ,
    due_at                 TIMESTAMPTZ,
    due_after              BIGINT,
    deadline               BIGINT,
    parent_run_id          UUID,
    parent_stage_id        TEXT,
    parent_generation      BIGINT,
    depth                  BIGINT,
    is_awaited             BIGINT
);

CREATE TYPE {schema}.workflow_updated_run AS (
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
    completed_at  TIMESTAMPTZ,
    owner         TEXT,
    held          TEXT,
    held_until    TIMESTAMPTZ,
    outline_sequence BIGINT,
    deadline_at   TIMESTAMPTZ,
    id            UUID
);

CREATE TYPE {schema}.workflow_counted_run AS (
    last_sequence BIGINT,
    waiting_on    BIGINT,
    active        BIGINT,
    suspended     BIGINT,
    held          TEXT,
    id            UUID
);

CREATE TYPE {schema}.workflow_new_stage AS (
    max_wait_until       TIMESTAMPTZ,
    status               TEXT,
    generation           BIGINT,
    attempt              BIGINT,
    waiting_on           BIGINT,
    arm                  BIGINT,
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    output               TEXT,
    output_blob          TEXT,
    error_message        TEXT,
    failure              TEXT,
    started_at           TIMESTAMPTZ,
    completed_at         TIMESTAMPTZ,
    workflow_run_id      UUID,
    stage_id             TEXT,
    place                TEXT,
    stage_name           TEXT,
    stage_number         BIGINT,
    execution_group      BIGINT
);

CREATE TYPE {schema}.workflow_updated_stage AS (
    max_wait_until       TIMESTAMPTZ,
    status               TEXT,
    generation           BIGINT,
    attempt              BIGINT,
    waiting_on           BIGINT,
    arm                  BIGINT,
    suspended_state      TEXT,
    suspended_state_blob TEXT,
    output               TEXT,
    output_blob          TEXT,
    error_message        TEXT,
    failure              TEXT,
    started_at           TIMESTAMPTZ,
    completed_at         TIMESTAMPTZ,
    workflow_run_id      UUID,
    stage_id             TEXT,
    place                TEXT
);

CREATE TYPE {schema}.workflow_new_job AS (
    run_at                 TIMESTAMPTZ,
    leased_until           TIMESTAMPTZ,
    generation             BIGINT,
    status                 TEXT,
    priority               BIGINT,
    attempt                BIGINT,
    max_attempts           BIGINT,
    crashes                BIGINT,
    max_crashes            BIGINT,
    lease_epoch            BIGINT,
    worker_id              TEXT,
    woken                  BOOLEAN,
    workflow_run_id        UUID,
    stage_id               TEXT,
    place                  TEXT,
    workflow_id            TEXT,
    definition_fingerprint TEXT
);

CREATE TYPE {schema}.workflow_updated_job AS (
    run_at          TIMESTAMPTZ,
    leased_until    TIMESTAMPTZ,
    generation      BIGINT,
    status          TEXT,
    priority        BIGINT,
    attempt         BIGINT,
    max_attempts    BIGINT,
    crashes         BIGINT,
    max_crashes     BIGINT,
    lease_epoch     BIGINT,
    worker_id       TEXT,
    woken           BOOLEAN,
    workflow_run_id UUID,
    stage_id        TEXT,
    place           TEXT
);

CREATE TYPE {schema}.workflow_deleted_job AS (
    workflow_run_id UUID,
    stage_id        TEXT,
    place           TEXT
);

CREATE TYPE {schema}.workflow_new_commit AS (
    workflow_run_id UUID,
    sequence        BIGINT,
    last_sequence   BIGINT,
    occurred_at     TIMESTAMPTZ,
    causation_id    TEXT,
    event_types     TEXT,
    events          TEXT,
    outline         TEXT,
    input           TEXT,
    config          TEXT,
    metadata        TEXT
);

CREATE TYPE {schema}.workflow_new_log AS (
    workflow_run_id UUID,
    stage_id        TEXT,
    place           TEXT,
    attempt         BIGINT,
    level           TEXT,
    message         TEXT,
    metadata        TEXT,
    created_at      TIMESTAMPTZ
);

CREATE TYPE {schema}.workflow_new_blob AS (
    key             TEXT,
    workflow_run_id UUID,
    value           TEXT,
    created_at      TIMESTAMPTZ
);
