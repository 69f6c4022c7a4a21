// Generated from openapi.json by scripts/types.mjs.

/** An action on a run from outside, of a command that named its [`Actor`]. */
export type ActionRecord = {
    /** What was done: `cancel`, `rerun`, `fork`, `wake`, `signal`, `budget`. */
    action: string;
    /** The instant of the commit. */
    at: string;
    /** Who did it. */
    by: Actor | null;
    /** The details: a JSON object, with the reason of a cancellation for example. */
    details: unknown;
    /** The id. It grows with each action. */
    id: number;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The run. */
    run_id: string;
    /** The stage, if the action was about one. */
    stage_id: string | null;
};

/** A person or a program that acts on runs from outside. Commands carry it, and the commit of an action keeps it.  ``` use workflow_engine::Actor;  let ada = Actor::new("ada").via("api").request_id("req-7"); # let _ = ada; ``` */
export type Actor = {
    /** The name: 1 to 255 bytes, without control characters. */
    name: string;
    /** The id of the request, to find its other traces. */
    request_id?: string | null;
    /** The way by which the action came: `api`, `dashboard`, `wfe`. */
    via?: string | null;
};

/** One row of the ledger. */
export type AiCallRecord = {
    /** The stage's attempt; 0 outside of a stage. */
    attempt: number;
    /** The tokens of the prompt that the provider read from its cache. */
    cached_input_tokens: number;
    /** The purpose. */
    call_type: CallType;
    /** The cost; zero while it is unknown. */
    cost: string;
    /** The instant at which the call was reserved. */
    created_at: string;
    /** The instant at which the call was settled, failed or became unknown. */
    ended_at: string | null;
    /** The reason why the call failed or is unknown. */
    error_message: string | null;
    /** The run's generation; 0 outside of a stage. */
    generation: number;
    /** The call's id. */
    id: string;
    /** The tokens of the prompt, cached ones included. */
    input_tokens: number;
    /** A JSON object: temperature, limits, stop reason, duration. */
    metadata?: unknown;
    /** The provider's name of the model. */
    model_id: string;
    /** The name under which the program has registered the model. */
    model_key: string;
    /** The status. */
    outcome: CallStatus;
    /** The tokens of the response. */
    output_tokens: number;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The prompt, unless capturing it is switched off. */
    prompt: string | null;
    /** The most that the call can cost, while the cost is unknown (`RESERVED`, `UNKNOWN`); zero otherwise. */
    reserved: string;
    /** The response, unless capturing it is switched off. */
    response: string | null;
    /** The run; `None` for a call outside of a stage. */
    run_id: string | null;
    /** The stage; `None` for a call outside of a stage. */
    stage_id: string | null;
    /** The topic: segments joined by dots, `workflow.{run}.stage.{stage}` and those that the program appends. */
    topic: string;
};

/** An annotation. */
export type Annotate = {
    /** The attributes by key: 1 to 64, each value up to 16 KiB of JSON. */
    attributes: Record<string, unknown>;
    /** Whether each attribute emits an event. */
    emit_event?: boolean;
    /** Further data, up to 256 KiB of JSON. */
    payload?: unknown;
    /** The scope in which the annotation counts. */
    scope?: string | null;
    /** The stage; absent for the run. */
    stage?: string | null;
};

/** The result of an annotation. */
export type Annotated = {
    /** The number of attributes. */
    attached: number;
};

/** One stored attribute of an annotation. It never changes, and a rerun keeps it. */
export type AnnotationRecord = {
    /** The author. */
    actor: string | null;
    /** The instant of the commit. */
    at: string;
    /** The stage's attempt at the commit, where the stage exists. */
    attempt: number | null;
    /** The run's generation at the commit. */
    generation: number;
    /** The id. It grows with each annotation of a run, so a reader continues after the last id that it has seen. */
    id: number;
    /** The key, for example `review.outcome`. */
    key: string;
    /** Further data. */
    payload?: unknown;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The run. */
    run_id: string;
    /** The scope. */
    scope: string | null;
    /** The stage that the annotation is about, or that made it. */
    stage_id: string | null;
    /** The value. */
    value: unknown;
};

/** The answer to a stage that waits. */
export type Answer = {
    /** Who sends it, in 1 to 255 bytes without control characters. Default: the name of the token. */
    actor?: string | null;
    /** The payload, of the type that the stage waits for. */
    payload: unknown;
};

export type ApprovalId = string;

/** An artifact, without its value. */
export type ArtifactView = {
    /** The instant of the commit. */
    at: string;
    /** The generation in which it was written. */
    generation: number;
    /** The key, unique within the stage. */
    key: string;
    /** The place of the stage in its run; absent outside of repeated parts. */
    place?: string;
    /** The run. */
    run_id: string;
    /** The stage. */
    stage_id: string;
};

/** The outcome of an attempt. */
export type AttemptOutcome = "running" | "waiting" | "completed" | "retried" | "failed" | "returned" | "cancelled";

/** One attempt of a stage. The engine derives it from the events of the run. */
export type AttemptRecord = {
    /** The cost of its settled calls of models. Calls of a check count for the attempt with the check's number. */
    cost: string;
    /** The instant at which its outcome was committed. Of a stage that waits, the end of the wait. */
    ended_at: string | null;
    /** The reason, where it failed or did not count. */
    error: string | null;
    /** The run's generation. */
    generation: number;
    /** Whether it was the check of a stage that waits, and not its body. Only checks that failed are listed. */
    is_check: boolean;
    /** The number of the attempt in its generation; 1 for the first. An attempt that did not count has the number of the one after it. */
    number: number;
    /** The outcome. */
    outcome: AttemptOutcome;
    /** The instant at which a worker claimed it; `None` for a check. */
    started_at: string | null;
    /** The number of the worker that ran it; `None` for a check, and until the worker has registered. */
    worker: number | null;
    /** The id of that worker, as long as the store knows it. */
    worker_id: string | null;
};

/** The instants of a backfill. */
export type Backfill = {
    /** The first instant. */
    from: string;
    /** The last instant, at most now. */
    to: string;
};

/** The ticks of a backfill. */
export type Backfilled = {
    /** The ticks, in their order; at most 1,000. */
    ticks: BackfilledTick[];
};

/** A tick of a backfill. */
export type BackfilledTick = {
    /** Whether the run is new, or would be. */
    is_new: boolean;
    /** Its run; `None` in a dry run for a tick that has none yet. */
    run_id: string | null;
    /** The tick. */
    scheduled_for: string;
};

/** An action on many runs. */
export type Bulk = {
    /** What happens to each run. */
    action: BulkAction;
    /** The runs. */
    filter?: RunFilter | null;
    /** The runs by id instead, at most 200. */
    ids?: string[] | null;
    /** The reason, which cancelled runs keep. */
    reason?: string | null;
};

/** What happens to each run. */
export type BulkAction = "cancel" | "rerun" | "wake";

/** The status of a call of a model. */
export type CallStatus = "RESERVED" | "SETTLED" | "FAILED" | "UNKNOWN";

/** The purpose of a call of a model. */
export type CallType = "text" | "object" | "stream" | "embed" | "batch" | "tool" | "custom";

/** A cancellation. */
export type Cancel = {
    /** The reason, which the run keeps. */
    reason?: string | null;
};

/** The result of a cancellation. */
export type Cancelled = {
    /** `false` if the run had ended. */
    cancelled: boolean;
};

/** What happens to ticks that have passed while no process was there to start their runs. */
export type CatchUp = "latest" | {
    all: {
        /** The most ticks; 1 to 1,000. */
        at_most: number;
    };
} | "none";

/** The result of a check. */
export type Checked = {
    /** Always `true`: a request that is not valid is an error. */
    valid: boolean;
};

/** The costs of one group. */
export type CostGroup = {
    /** The beginning of the hour or day; `None` unless it is a key. */
    at: string | null;
    /** Those tokens of prompts that providers read from their caches. */
    cached_input_tokens: number;
    /** The number of calls. */
    calls: number;
    /** The cost of the settled calls. */
    cost: string;
    /** The number of calls that the provider has refused. They cost nothing. */
    failed_calls: number;
    /** The tokens of the prompts of settled calls. */
    input_tokens: number;
    /** The model's key; `None` unless it is a key. */
    model_key: string | null;
    /** The tokens of the responses of settled calls. */
    output_tokens: number;
    /** The number of calls in progress. */
    pending_calls: number;
    /** The most that the calls in progress can cost. */
    reserved: string;
    /** The stage; `None` unless it is a key, and for calls outside of stages. */
    stage_id: string | null;
    /** The number of calls whose outcome is unknown. */
    unknown_calls: number;
    /** The most that the calls with an unknown outcome can have cost. */
    unknown_cost: string;
    /** The workflow; `None` unless it is a key, and for calls outside of runs. */
    workflow_id: string | null;
};

/** What the costs of a report are grouped by. */
export type CostKey = "hour" | "day" | "workflow" | "stage" | "model";

/** The costs of the model calls of a time, grouped. */
export type CostReport = {
    /** The beginning of the time, a full hour; `None` without a beginning. */
    from: string | null;
    /** The groups, ordered by time, workflow, stage and model; one if nothing was to group by. */
    groups: CostGroup[];
    /** Whether `groups` has all groups. Otherwise it has the first 10,000; `total` is complete anyhow. */
    is_complete: boolean;
    /** The sums over all calls of the time. */
    total: CostSums;
    /** The costs so far of the runs that have not ended, whenever their calls were made. They are part of the sums too. */
    unfinished: UnfinishedCosts;
    /** The end of the time, a full hour that is not part of it; `None` without an end. */
    until: string | null;
};

/** The cost of the model calls of a run or a stage, in all its generations together: a rerun does not reset it. */
export type CostSummary = {
    /** The limit of `cost` and `reserved` together, at the reservation of a call. For a stage, only the budget that the run has set for it; the budget that the stage declares is in its definition. */
    budget: string | null;
    /** The cost of the settled calls. */
    cost: string;
    /** The number of reserved calls. */
    pending_calls: number;
    /** The most that the reserved and the unknown calls can cost. */
    reserved: string;
    /** The tokens of their prompts and responses. */
    tokens: number;
};

/** Sums over calls of models. */
export type CostSums = {
    /** Those tokens of prompts that providers read from their caches. */
    cached_input_tokens: number;
    /** The number of calls. */
    calls: number;
    /** The cost of the settled calls. */
    cost: string;
    /** The number of calls that the provider has refused. They cost nothing. */
    failed_calls: number;
    /** The tokens of the prompts of settled calls. */
    input_tokens: number;
    /** The tokens of the responses of settled calls. */
    output_tokens: number;
    /** The number of calls in progress. */
    pending_calls: number;
    /** The most that the calls in progress can cost. */
    reserved: string;
    /** The number of calls whose outcome is unknown. */
    unknown_calls: number;
    /** The most that the calls with an unknown outcome can have cost. */
    unknown_cost: string;
};

/** An event that a plugin has refused in every attempt. It stays until it is replayed or its run is purged. */
export type DeadLetter = {
    /** The instant at which the event became a dead letter. */
    at: string;
    /** The number of refusals. */
    attempts: number;
    /** The reason of the last refusal. */
    error: string;
    /** The event. */
    event: Event;
    /** The plugin's name. */
    plugin: string;
};

/** The result of deleting a schedule. */
export type Deleted = {
    /** `false` if there was none. */
    deleted: boolean;
};

/** An edge of a graph. */
export type Edge = {
    /** The stage where it begins. */
    from: string;
    /** Whether only a requirement causes it: the stage reads the output of one that is not its direct predecessor. */
    is_requirement: boolean;
    /** The stage where it ends. */
    to: string;
};

/** An end of an edge: an index in [`Layout::stages`] or in [`Layout::junctions`]. */
export type EdgeEnd = {
    stage: number;
} | {
    junction: number;
};

/** A code and a text. */
export type ErrorView = {
    /** The stable code. */
    code: string;
    /** The text for people. */
    message: string;
};

export type Event = {
    at: string;
    causation_id: string;
    data: Record<string, unknown>;
    run_id: string;
    sequence: number;
    type: EventType;
};

export type EventType = "workflow:created" | "workflow:started" | "workflow:completed" | "workflow:failed" | "workflow:cancelled" | "workflow:suspended" | "stage:started" | "stage:progress" | "stage:suspended" | "stage:signalled" | "stage:completed" | "stage:skipped" | "stage:retrying" | "stage:returned" | "stage:failed" | "stage:cancelled" | "annotation:created";

/** A switch of a query: `?follow`, `?follow=true`. */
export type Flag = boolean;

/** A fork. */
export type Fork = {
    /** Another configuration: an object from stage ids to their fields. Absent fields take their defaults. */
    config?: unknown;
    /** The stage to start from. Every stage before it must have completed. */
    from_stage: string;
    /** Another input; only from the start, where no stage is taken over. */
    input?: unknown;
    /** Other outputs of stages that are taken over, by stage. */
    outputs?: Record<string, unknown>;
};

/** The new run. */
export type Forked = {
    /** Its id; `null` for a dry run. */
    run_id: string | null;
    /** The stages that it runs, in reading order. */
    stages: string[];
    /** The stages whose outputs it takes over, in reading order. */
    taken_over: string[];
};

/** What a caller may do. Each grant includes the ones before it. */
export type Grant = "read" | "read+payloads" | "operate";

/** A graph. */
export type Graph = {
    /** The edges. */
    edges: Edge[];
    /** The fingerprint of the definition. */
    fingerprint: string;
    /** The stages in reading order. */
    stages: Node[];
    /** The version of the definition. */
    version: number;
    /** The workflow's id. */
    workflow_id: string;
};

/** The health of the server. */
export type Health = {
    /** Always `ok`. */
    status: string;
};

/** A place of invalid input. */
export type InvalidPlace = {
    /** What is wrong there. */
    detail: string;
    /** A JSON pointer into the body of the request. */
    pointer: string;
};

/** A point between two columns in which the edges of a group meet: each of its last stages precedes each of the first stages of the next group. */
export type Junction = {
    /** The column to the right of it. It is halfway between this column and the one before. */
    before_column: number;
    /** The 0-based row; a junction may be halfway between two rows. */
    row: number;
};

/** A drawing of a workflow's graph on a grid, from left to right. No two edges cross, apart from those of requirements, which have no place of their own. */
export type Layout = {
    /** The number of columns. */
    columns: number;
    /** The edges. */
    edges: PlacedEdge[];
    /** The points in which the edges of a group meet that is followed by a group. */
    junctions: Junction[];
    /** The number of rows. */
    rows: number;
    /** The stages, in reading order. */
    stages: PlacedStage[];
};

/** A run of a list. */
export type ListedRun = {
    /** The number of stages that are ready or running. */
    active_stages: number;
    /** The reason that the caller of the cancellation gave. */
    cancel_reason: string | null;
    /** The instant at which the run ended. */
    completed_at: string | null;
    /** The cost of the run's model calls, and its budget. */
    costs: CostSummary;
    /** The instant at which the run was created. */
    created_at: string;
    /** The instant at which the run fails, unless it has ended; `null` without a deadline. */
    deadline_at: string | null;
    /** The fingerprint of the definition with which the run was created. */
    definition: string;
    /** The instant before which the run is not started; `null` for a run that starts at once. */
    due_at: string | null;
    /** The reason why the run failed. */
    error: ErrorView | null;
    /** The generation: 1, and one more with each rerun. */
    generation: number;
    /** The run's id. */
    id: string;
    /** The sequence number of the newest event. */
    last_sequence: number;
    /** The run and the stage that have started it; absent for a run that no stage has started. */
    parent?: RunParent | null;
    /** What the run does now. */
    phase: Phase;
    /** The priority. Runs with a higher one are claimed first. */
    priority: number;
    /** How many of its stages have ended; `null` where the store does not have its definition. */
    progress: RunProgress | null;
    /** The instant at which this generation started. */
    started_at: string | null;
    /** `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`. */
    status: Status;
    /** The number of stages that wait for something outside. */
    suspended_stages: number;
    /** The tags by key. */
    tags: Record<string, string>;
    /** The workflow's id. */
    workflow_id: string;
};

/** A log-in. */
export type LogIn = {
    /** The token. */
    token: string;
};

/** The severity of a log line. */
export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** A stored log line of a run. */
export type LogRecord = {
    /** The instant of the commit. */
    at: string;
    /** The stage's attempt at the commit. `None` for a line about the run as a whole. */
    attempt: number | null;
    /** The fields, a JSON value. */
    fields: unknown;
    /** The id. It grows with each line of the store, so a reader continues after the last id that it has seen. */
    id: number;
    /** The severity. */
    level: LogLevel;
    /** The message. */
    message: string;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The run. */
    run_id: string;
    /** The stage that the line is about. `None` for a line about the run as a whole. */
    stage_id: string | null;
};

/** The caller. */
export type Me = {
    /** What it may do. */
    grant: Grant;
    /** Whether the server refuses every write. */
    is_read_only: boolean;
    /** The name, as in the audit log. */
    name: string;
    /** The version of the server. */
    version: string;
    /** How it has proved who it is: `token`, `session`, `access` or `open`. */
    via: string;
};

/** A stage of a graph. */
export type Node = {
    /** The 1-based level: the length of the longest path to the stage. */
    execution_group: number;
    /** The stage's id. */
    id: string;
    /** The name, for people. */
    name: string;
    /** The 1-based position in reading order. */
    number: number;
};

/** What has changed. */
export type Outcome = "created" | "changed" | "unchanged";

/** What a tick does while an earlier run of its schedule has not ended. */
export type Overlap = "skip" | "queue" | "parallel" | "replace";

/** One page of a list. */
export type Page<T> = {
    items: T[];
    /** Where the next page begins: pass it as `after`. Absent after the last item. */
    next?: string | null;
    /** For a search that stopped because its time was used up: the instant back to which it has searched. */
    searched_to?: string | null;
};

/** A pause. */
export type Pause = {
    /** Why, for people. */
    reason?: string | null;
};

/** The result of a pause. */
export type Paused = {
    /** `false` if it was paused already. */
    paused: boolean;
};

/** A stage that waits for a signal, from [`Engine::approvals`]. */
export type PendingApproval = {
    /** The instant at which the function began to run. */
    asked_at: string | null;
    /** The instant at which the wait times out. */
    deadline: string;
    /** The JSON Schema of the answer. */
    form: unknown;
    /** Names it: pass it to [`Engine::answer`]. */
    id: ApprovalId;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The question: what the stage's function has returned. */
    question: unknown;
    /** The run. */
    run_id: string;
    /** The stage. */
    stage_id: string;
    /** The stage's name, for people. */
    stage_name: string;
    /** The workflow's id. */
    workflow_id: string;
};

/** What a run does now. */
export type Phase = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";

/** The place of an edge. */
export type PlacedEdge = {
    /** Where it begins. */
    from: EdgeEnd;
    /** Whether it leads from a required stage that is not a direct predecessor. It has no row, and may cross others. */
    is_requirement?: boolean;
    /** The row of an edge that passes columns: it keeps this row in each of them, where no stage is in its way. */
    row?: number | null;
    /** Where it ends. */
    to: EdgeEnd;
};

/** The place of a stage. */
export type PlacedStage = {
    /** The id of the workflow that the stage runs, where it is one: drawings give it a double frame. */
    child_workflow_id?: string | null;
    /** The 0-based column: the length of the longest path to the stage. */
    column: number;
    /** The time after which the stage starts when it is ready, in milliseconds: the `delay` before it. */
    delay_ms?: number | null;
    /** The stage's name, for people. */
    name: string;
    /** The 0-based row. */
    row: number;
    /** The stage's id. */
    stage_id: string;
};

/** What an action would concern. */
export type Preview = {
    /** The number of runs, at most 10,000. */
    count: RunCount;
    /** The instant at which the token expires. */
    expires_at: string;
    /** The newest of them, at most 20. */
    samples: RunView[];
    /** Post it to `/runs/bulk/{token}`: it concerns these runs as they are now, and no others. */
    token: string;
};

/** An error of the API. */
export type Problem = {
    /** The stable code, in capitals. */
    code: string;
    /** What happened, and what to do. */
    detail: string;
    /** The places of invalid input. */
    errors?: InvalidPlace[];
    /** The id of the request, as in the log of the server. */
    request_id?: string | null;
    /** Whether the same request may succeed later. */
    retryable: boolean;
    /** The HTTP status. */
    status: number;
    /** The text of the status. */
    title: string;
    /** Always `about:blank`: `code` tells the kind. */
    type: string;
};

/** The result of creating or changing a schedule. */
export type Put = {
    /** What has changed. */
    outcome: Outcome;
};

/** Numbers of entries of the queue. */
export type QueueCounts = {
    /** Stages that have failed, and their runs with them. */
    dead: number;
    /** Stages that a worker holds. */
    leased: number;
    /** Runs that wait for a worker to start them, and stages that wait for one to run them. */
    ready: number;
    /** Stages whose next attempt is due later, after a backoff; also those that wait for their budget. */
    scheduled: number;
    /** Stages that wait for something outside. */
    waiting: number;
};

/** What the queue holds. */
export type QueueOverview = {
    /** Whether the numbers are exact. Of each kind, the first 10,000 entries are counted. */
    is_exact: boolean;
    /** All workflows together. */
    total: QueueCounts;
    /** Each workflow that has something in the queue, by id. */
    workflows: WorkflowQueue[];
};

/** A new budget. */
export type Raise = {
    /** The limit of the cost: at least the old one. */
    budget: string;
    /** The stage; absent for the run's own budget. */
    stage?: string | null;
};

/** The result of a raise. */
export type Raised = {
    /** The number of stages that waited for the budget and resume. */
    resumed: number;
};

/** A replay. */
export type Replay = {
    /** The most letters, 1 to 1,000. Default 100. */
    limit?: number | null;
    /** The plugin; absent for all. */
    plugin?: string | null;
    /** The run of the event; absent for all. */
    run_id?: string | null;
    /** The sequence number of the event in its run; absent for all. It needs `run_id`. */
    sequence?: number | null;
};

/** The result of a replay. */
export type Replayed = {
    /** The number of letters. */
    replayed: number;
};

/** The stages that run again. */
export type Reran = {
    /** The run's next generation. */
    generation: number;
    /** The stages, in reading order. */
    stages: string[];
};

/** A rerun. */
export type Rerun = {
    /** The stage to start from. Every stage before it must have completed. */
    from_stage: string;
};

/** The result of resuming a schedule. */
export type Resumed = {
    /** `false` if it was not paused. */
    resumed: boolean;
};

/** The costs of a run. */
export type RunCosts = {
    /** The costs of the run itself, and its budget. */
    own: CostSummary;
    /** The costs of the run, of the runs that it has started, and so on; of the first 100,000. The budget is the run's own. */
    with_children: CostSummary;
};

/** A number of runs. */
export type RunCount = {
    /** The number of runs that were counted. */
    count: number;
    /** Whether these are all. Otherwise there are at least as many. */
    is_exact: boolean;
};

/** A run with its stages. */
export type RunDetail = {
    /** Why the run cannot continue although it has not failed, as far as the server can tell. */
    blocked_reason: ErrorView | null;
    /** The run. */
    run: RunView;
    /** The stages in reading order; none before the run has started. */
    stages: StageView[];
    /** The tags by key. */
    tags: Record<string, string>;
};

/** Selects runs: those that match every condition that is set. Without a condition it selects every run.  ``` use workflow_engine::{RunFilter, Status};  let failed = RunFilter::new().statuses([Status::Failed, Status::Cancelled]); let of_acme = RunFilter::new().workflow_id("invoice").tag("customer", "acme"); # let _ = (failed, of_acme); ```  As JSON it is an object of the same fields, all optional: `{"statuses":["FAILED"],"tags":{"customer":"acme"}}`. */
export type RunFilter = {
    /** The code of the reason why the run cannot continue: `WORKFLOW_NOT_FOUND`, `DEFINITION_MISMATCH`, `BUDGET_EXCEEDED` or `NOT_DUE`. A store ignores this condition: it depends on the definitions of a process, and [`Engine::runs`](crate::Engine::runs) checks it. */
    blocked_reason?: string | null;
    /** The instant before which the run was created. */
    created_before?: string | null;
    /** The earliest instant of the run's creation. */
    created_since?: string | null;
    /** The fingerprint of the definition with which the run was created. */
    definition?: string | null;
    /** The code of the error with which the run failed, `STAGE_FAILED` for example. */
    error_code?: string | null;
    /** The beginning of the run's id: hexadecimal digits, with or without hyphens. */
    id_prefix?: string | null;
    /** The idempotency key with which the run was started. */
    idempotency_key?: string | null;
    /** The run that has started it. */
    parent?: string | null;
    /** What the run does now. A store ignores this condition and the following ones, which [`Engine::runs`](crate::Engine::runs) checks. */
    phase?: Phase | null;
    /** The statuses, any of them; empty for every status. */
    statuses?: Status[];
    /** The tags, all of them. */
    tags?: Record<string, string>;
    /** What the run, or one of its stages, waits for. */
    waiting_for?: WaitingFor | null;
    /** The id of the workflow. */
    workflow_id?: string | null;
};

/** The run and the stage that have started a run. */
export type RunParent = {
    /** The number of runs above this one: 1 for the child of a run that has no parent. */
    depth: number;
    /** The generation of the parent in which it did so. */
    generation: number;
    /** Whether the stage waits for the end of the run: the run is then a step of its parent, and ends with it. */
    is_awaited: boolean;
    /** The parent. */
    run_id: string;
    /** The stage of the parent that has started the run: `embed`, or `embed[17]` in a repeated part. */
    stage_id: string;
};

/** How many stages of a run have ended. */
export type RunProgress = {
    /** The number of stages that have completed or were skipped; while the run continues, also those whose failure it has caught. */
    done: number;
    /** The number of all stages. */
    total: number;
};

/** A run, without its payloads. */
export type RunView = {
    /** The number of stages that are ready or running. */
    active_stages: number;
    /** The reason that the caller of the cancellation gave. */
    cancel_reason: string | null;
    /** The instant at which the run ended. */
    completed_at: string | null;
    /** The cost of the run's model calls, and its budget. */
    costs: CostSummary;
    /** The instant at which the run was created. */
    created_at: string;
    /** The instant at which the run fails, unless it has ended; `null` without a deadline. */
    deadline_at: string | null;
    /** The fingerprint of the definition with which the run was created. */
    definition: string;
    /** The instant before which the run is not started; `null` for a run that starts at once. */
    due_at: string | null;
    /** The reason why the run failed. */
    error: ErrorView | null;
    /** The generation: 1, and one more with each rerun. */
    generation: number;
    /** The run's id. */
    id: string;
    /** The sequence number of the newest event. */
    last_sequence: number;
    /** The run and the stage that have started it; absent for a run that no stage has started. */
    parent?: RunParent | null;
    /** What the run does now. */
    phase: Phase;
    /** The priority. Runs with a higher one are claimed first. */
    priority: number;
    /** The instant at which this generation started. */
    started_at: string | null;
    /** `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`. */
    status: Status;
    /** The number of stages that wait for something outside. */
    suspended_stages: number;
    /** The workflow's id. */
    workflow_id: string;
};

/** Starts runs of a workflow by a clock: at the instants of a cron pattern in a time zone, or once in each period. These instants are its *ticks*.  With the Cargo feature `schedules`, `Schedule::cron` and `Schedule::every` make one for a workflow of the program. */
export type Schedule = {
    /** The highest cost of the calls of models of each run. */
    budget?: string | null;
    /** What happens to ticks that no process was there for. Default `latest`. */
    catch_up: CatchUp;
    /** The configuration of each run: an object from stage ids to their fields. Absent fields take their defaults. */
    config?: unknown;
    /** The cron pattern: five fields, six with seconds first, or seven with a year last. Either this or `every_ms`. */
    cron?: string | null;
    /** The longest time of each run, in milliseconds in JSON. Default: the option `deadline` of the workflow. */
    deadline_ms?: number | null;
    /** The period, in milliseconds in JSON; 1 s to 366 days. Ticks are at its multiples since 1970 in UTC, so a period of an hour ticks at full hours. */
    every_ms?: number | null;
    /** The id: 1 to 128 bytes without control characters. */
    id: string;
    /** The input of each run. */
    input: unknown;
    /** The longest time by which a run starts after its tick, in milliseconds in JSON; at most a day. Each tick has its own delay, the same in every process. Default 0. */
    jitter_ms: number;
    /** The program's own data of each run: an object. The run's metadata has the field `schedule` in addition. */
    metadata?: unknown;
    /** What a tick does while an earlier run of the schedule has not ended. Default `skip`. */
    overlap: Overlap;
    /** The priority of each run. Default 5. */
    priority?: number | null;
    /** The tags of each run, at most 15. Each run has the tag `schedule` in addition, with the id of its schedule. */
    tags?: Record<string, string>;
    /** The workflow's id. */
    workflow_id: string;
    /** The time zone of the cron pattern, such as `Europe/Berlin`. Default `UTC`. */
    zone?: string | null;
};

/** A schedule, with what it does now and next. */
export type ScheduleInfo = {
    /** The run for whose end the next tick waits. */
    blocked_by: string | null;
    /** The instant at which the run of the next tick starts: with its jitter, or after a pause if it was refused. */
    due_at: string | null;
    /** The next five ticks; none while it is paused. The first has passed if it is being handled, or cannot be. */
    next: string[];
    /** Why it does not start runs, if it should and does not. */
    reason: string | null;
    /** The schedule. */
    schedule: Schedule;
    /** What it has done. */
    state: ScheduleState;
    /** What it does now. */
    status: ScheduleStatus;
};

/** A pause of a schedule. */
export type SchedulePause = {
    /** Since when. */
    at: string;
    /** Why. */
    reason: string | null;
};

/** A tick whose run cannot be created. It is tried again, each time after a longer pause, until it succeeds or the schedule changes. */
export type ScheduleRefusal = {
    /** The instant of the last attempt. */
    at: string;
    /** How often the start was refused. */
    attempts: number;
    /** The code of the error. */
    code: string;
    /** The error. */
    message: string;
    /** The tick. */
    scheduled_for: string;
};

/** A start of a run by a schedule. */
export type ScheduleStart = {
    /** The run. */
    run_id: string;
    /** The tick, or the instant at which a person has triggered the schedule. */
    scheduled_for: string;
};

/** What a schedule has done. */
export type ScheduleState = {
    /** The instant at which the schedule was created. */
    created_at: string;
    /** The last start of a run. */
    last: ScheduleStart | null;
    /** The runs that the schedule has started and that may not have ended; at most 100. */
    open_runs: string[];
    /** Since when it is paused, and why. */
    paused: SchedulePause | null;
    /** Why the start of the next tick's run was refused; `None` after a start that succeeded. */
    refusal: ScheduleRefusal | null;
    /** The number of ticks that started no run because an earlier one had not ended. */
    skipped: number;
};

/** What a schedule does now. */
export type ScheduleStatus = "ACTIVE" | "PAUSED" | "BLOCKED" | "REFUSED" | "OVERDUE" | "ENDED";

/** A signal. */
export type SendSignal = {
    /** Who sends it, in 1 to 255 bytes without control characters. Default: the name of the token. */
    actor?: string | null;
    /** The payload, of the type that the stage waits for. */
    payload: unknown;
    /** The stage. */
    stage: string;
};

/** A named filter. */
export type SharedView = {
    /** The name, for people. */
    name: string;
    /** The filter line of the page with all runs: `status:failed tag:customer=acme`. */
    query: string;
};

/** The result of a signal. */
export type Signalled = {
    /** Always `true`: a signal that is not stored is an error. */
    signalled: boolean;
};

/** Why a stage inside of a `catch` failed and is not retried: the `Err` of what the `catch` passes on.  ``` use workflow_engine::prelude::*;  #[stage] async fn charge(cents: u64) -> StageResult<String> {     Err(StageError::permanent(format!("{cents} cents are too much"))) }  #[stage] async fn note(charged: Result<String, StageFailure>) -> StageResult<String> {     Ok(charged.unwrap_or_else(|failure| format!("{}: {}", failure.stage_id, failure.message))) }  workflow! { Paying = catch(charge) >> note }  # #[tokio::main(flavor = "current_thread")] # async fn main() -> Result<(), workflow_engine::Error> { let engine = Engine::builder("memory:").register::<Paying>().build().await?; let run = engine.start::<Paying>(ChargeInput { cents: 7 }).await?; assert_eq!(run.output().await?, "charge: 7 cents are too much"); # Ok(()) # } ``` */
export type StageFailure = {
    /** The number of attempts that the stage had. */
    attempts: number;
    /** The stable code with which the run would have failed: `STAGE_FAILED`, `WAIT_TIMED_OUT`, `WORKER_LOST`, … */
    code: string;
    /** The text of the failure. */
    message: string;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The stage that failed. */
    stage_id: string;
};

/** How long a stage takes. */
export type StageTime = {
    /** The number of runs in which it has completed. */
    completed: number;
    /** The number of runs in which it has failed. */
    failed: number;
    /** The median time from the start of its last attempt to its completion, in milliseconds. Of a stage that waits, with its wait. `None` if it has not completed. */
    p50_ms: number | null;
    /** The time within which 95 of 100 have completed, in milliseconds. */
    p95_ms: number | null;
    /** The number of runs in which it needed more than one attempt. */
    retried: number;
    /** The stage's id. */
    stage_id: string;
};

/** What one stage has done over time. */
export type StageTimeline = {
    /** The attempts in all generations, oldest first. */
    attempts: AttemptRecord[];
    /** The id of the workflow that the stage runs, where it is one. */
    child_workflow_id?: string | null;
    /** The place of the stage in its run; empty outside of repeated parts. */
    place?: string;
    /** The stage's id. */
    stage_id: string;
    /** The stage's name, for people. */
    stage_name: string;
    /** The 1-based position in reading order. */
    stage_number: number;
    /** The times in which the stage could have run, or had begun, and no worker ran it; oldest first. */
    waits: StageWait[];
};

/** How long the stages of a workflow take, and how often they fail, in its newest runs. */
export type StageTimes = {
    /** The number of runs: at most 1,000. */
    runs: number;
    /** The instant of the creation of the oldest of them. */
    since: string | null;
    /** The stages that have ended in these runs, by id. */
    stages: StageTime[];
    /** The workflow's id. */
    workflow_id: string;
};

/** A stage of a run, without its payloads. */
export type StageView = {
    /** The number of the arm that the stage's output has chosen, from 0; `null` unless it is the stage of a `match`. */
    arm: number | null;
    /** The number of attempts in this generation. */
    attempt: number;
    /** The most that the refused call can cost, while the stage waits for its budget. */
    awaited_cost: string | null;
    /** The instant at which the stage ended. */
    completed_at: string | null;
    /** The cost of its model calls, and its budget. */
    costs: CostSummary;
    /** The reason why the latest attempt failed. */
    error: string | null;
    /** The 1-based level: the length of the longest path to the stage. */
    execution_group: number;
    /** Why a stage of the `catch` failed that this stage ends; `null` unless one did. */
    failure: StageFailure | null;
    /** The generation in which the stage last ran or will run. */
    generation: number;
    /** Whether the stage has an output. */
    has_output: boolean;
    /** Whether the stage has a ticket: its reference to the work of a remote service. */
    has_ticket: boolean;
    /** The stage's id. */
    id: string;
    /** The instant at which the wait of a suspended stage times out. */
    max_wait_until: string | null;
    /** The metrics by name. */
    metrics: Record<string, number>;
    /** The name, for people. */
    name: string;
    /** The 1-based position in reading order. */
    number: number;
    /** The place of the stage in its run; absent outside of repeated parts. */
    place?: string;
    /** The instant at which the latest attempt began. */
    started_at: string | null;
    /** `PENDING`, `RUNNING`, `SUSPENDED`, `COMPLETED`, `FAILED`, `CANCELLED`, or `SKIPPED` where a `match` took another arm. */
    status: Status;
    /** The number of predecessors that have not completed. */
    waiting_on: number;
};

/** A time in which a stage waited. */
export type StageWait = {
    /** The instant at which the wait began. */
    from: string;
    /** The run's generation. */
    generation: number;
    /** What it waited for. */
    reason: WaitReason;
    /** The instant at which it ended; `None` while it lasts. The end of a backoff or a delay may lie in the future. */
    to: string | null;
};

/** A new run. */
export type StartRun = {
    /** The highest cost of its calls of models. */
    budget?: string | null;
    /** The configuration: an object from stage ids to their fields. Absent fields take their defaults. */
    config?: unknown;
    /** The longest time of the run, in milliseconds; default the `deadline` of the workflow. */
    deadline_ms?: number | null;
    /** The workflow's input. */
    input: unknown;
    /** The caller's own data, stored with the run. */
    metadata?: unknown;
    /** The priority. Higher is claimed first. Default 5. */
    priority?: number | null;
    /** The milliseconds after which the run starts; not together with `start_at`. */
    start_after_ms?: number | null;
    /** The instant at which the run starts; default at once. */
    start_at?: string | null;
    /** The tags by which the run can be found: at most 16, with keys of 64 bytes and values of 256 bytes. */
    tags?: Record<string, string>;
    /** The version; default the newest that the server has registered. */
    version?: number | null;
    /** The workflow's id. */
    workflow: string;
};

/** The started run. */
export type Started = {
    /** The run's id. */
    run_id: string;
    /** The run's status now. */
    status: Status;
};

/** The status of a run, a stage or a job. ARCHITECTURE.md draws every transition. */
export type Status = "PENDING" | "RUNNING" | "SUSPENDED" | "COMPLETED" | "FAILED" | "CANCELLED" | "SKIPPED" | "DEAD";

/** What a run has done over time: its generations, and the attempts and waits of its stages. The engine derives it from the events of the run. */
export type Timeline = {
    /** The instant at which the run was created. */
    created_at: string;
    /** The generations, oldest first; none before the run has started. */
    generations: TimelineGeneration[];
    /** Whether these are all events. Of a run with more than 50,000, the first ones are read. */
    is_complete: boolean;
    /** The sequence number of the last event that was read. */
    last_sequence: number;
    /** The run. */
    run_id: string;
    /** The stages in reading order; of a run that has not started, none. */
    stages: StageTimeline[];
    /** The run's status. */
    status: Status;
    /** The workflow's id. */
    workflow_id: string;
};

/** A generation of a run: from its start or a rerun to its end. */
export type TimelineGeneration = {
    /** The instant at which it ended. */
    ended_at: string | null;
    /** The reason why it failed or was cancelled. */
    error: string | null;
    /** 1, and one more with each rerun. */
    number: number;
    /** The instant at which its first stages became ready. */
    started_at: string;
    /** `COMPLETED`, `FAILED` or `CANCELLED`; `RUNNING` until it ends. */
    status: Status;
};

/** The result of triggering a schedule. */
export type Triggered = {
    /** The run. */
    run_id: string;
};

/** What runs that have not ended have cost so far. */
export type UnfinishedCosts = {
    /** The cost of their settled calls. */
    cost: string;
    /** Whether these are all. */
    is_exact: boolean;
    /** The most that their calls in progress, and those with an unknown outcome, can cost. */
    reserved: string;
    /** The number of runs, at most 10,000. */
    runs: number;
};

/** One definition of a workflow. */
export type VersionView = {
    /** The fingerprint of the definition. */
    fingerprint: string;
    /** The instant at which a process registered it for the first time. */
    first_seen_at: string;
    /** Whether these are all. */
    is_exact: boolean;
    /** Whether the server's process can execute its runs. */
    is_executable: boolean;
    /** The instant at which the oldest unfinished run was created. */
    oldest: string | null;
    /** The number of runs that have not started. */
    pending: number;
    /** The number of runs that have started and not ended. */
    running: number;
    /** The version. */
    version: number;
    /** The ids of the workers that can execute its runs, newest first, as far as it is known that they run. */
    workers: string[];
};

/** What a stage waits for. */
export type WaitReason = "worker" | "backoff" | "external" | "child" | "delay";

/** What a run, or one of its stages, waits for. */
export type WaitingFor = "worker" | "check" | "signal" | "child" | "time" | "retry" | "budget";

/** A call of a waiting stage. */
export type Wake = {
    /** The stage. */
    stage: string;
};

/** The result of the call. */
export type Woken = {
    /** `false` if the stage does not wait. */
    woken: boolean;
};

/** The result of a hook. */
export type Woken2 = {
    /** `false` if the stage does not wait yet. A signal is stored nevertheless, so it is always `true` then. */
    woken: boolean;
};

/** Whether a worker runs. */
export type WorkerState = "running" | "drained" | "gone" | "unknown";

/** A worker of any process that uses the store, and what it does now. */
export type WorkerStatus = {
    /** The most bodies that it runs at the same time. */
    concurrency: number;
    /** The fingerprints of the definitions that it can execute. */
    definitions: string[];
    /** The instant at which it drained; `None` while it runs, and if its process was killed. */
    drained_at: string | null;
    /** The name of its machine; empty where the operating system does not tell it. */
    host: string;
    /** The worker's id, which leases carry. */
    id: string;
    /** The end of its lease that ends last. A worker that runs renews its leases. */
    leased_until: string | null;
    /** The number of stages that it holds. Workers with the same id are not told apart. */
    leases: number;
    /** The number: 1, and one more with each worker that starts. `stage:started` events carry it. */
    number: number;
    /** The process, for a check on the same machine whether it still runs. Opaque. */
    process: string;
    /** The instant at which it registered. */
    started_at: string;
    /** Whether it runs. */
    state: WorkerState;
    /** The version of the engine. */
    version: string;
};

/** A workflow with its versions and its newest definition. */
export type WorkflowDetail = {
    /** The newest definition: its stages, graph, JSON Schemas and defaults. */
    definition: unknown;
    /** The workflow's id. */
    id: string;
    /** Its versions, newest first. */
    versions: VersionView[];
};

/** What the queue holds of one workflow. */
export type WorkflowQueue = {
    /** Stages that have failed, and their runs with them. */
    dead: number;
    /** Stages that a worker holds. */
    leased: number;
    /** The instant since which the oldest ready entry waits for a worker: of those that were counted. */
    oldest_ready: string | null;
    /** Runs that wait for a worker to start them, and stages that wait for one to run them. */
    ready: number;
    /** Stages whose next attempt is due later, after a backoff; also those that wait for their budget. */
    scheduled: number;
    /** Stages that wait for something outside. */
    waiting: number;
    /** The workflow's id. */
    workflow_id: string;
};

/** A workflow with its versions. */
export type WorkflowView = {
    /** The workflow's id. */
    id: string;
    /** Its versions, newest first. */
    versions: VersionView[];
};
