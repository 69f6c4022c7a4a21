//! The guard of the statement that writes a commit: it takes the locks on runs before any other, and keeps rows from being
//! written of a run that has changed since it was read.
//!
//! The arguments $1 and $2 are the runs to be compared, in the order of their ids, with their `commits`; $3 is the instant
//! of the decisions, or NULL. Nothing is written if it differs from the database's clock, once the locks are held, by more
//! than a second.

/// The guard that a commit needs. A smaller one is set up faster at each execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Guard {
    /// Compares any number of runs: locks them in the order of their ids first. So transactions that write the same runs
    /// wait for each other without a deadlock.
    #[default]
    Locks,
    /// Compares one run, of which all rows are: the update of its row locks it and compares.
    Update,
    /// Compares no run: all are new, or locked already.
    Nothing,
}

impl Guard {
    /// The number of guards.
    pub(super) const COUNT: usize = 3;

    /// Returns the texts of the guard with this number.
    pub(super) const fn texts(number: usize) -> &'static GuardTexts {
        [&LOCKS, &UPDATE, &NOTHING][number]
    }
}

/// The texts of a guard.
pub(super) struct GuardTexts {
    /// What precedes the first part. It has slots for the rows of idempotency keys, and for the condition that none is
    /// taken.
    pub(super) before: &'static str,
    /// What precedes the update of the rows of runs that only count.
    pub(super) before_counts: &'static str,
    /// What precedes the update of the rows of other runs.
    pub(super) before_run_updates: &'static str,
    /// What ends the update of a row of a run.
    pub(super) after_update: &'static str,
    /// `$is_run_writable`: the condition that the row `n` of an existing run has to meet.
    pub(super) is_run_writable: &'static str,
    /// `$is_new_writable`: the condition that the row of a new run has to meet.
    pub(super) is_new_writable: &'static str,
    /// `$is_writable`: the condition that each other row `n` has to meet.
    pub(super) is_writable: &'static str,
    /// Whether the statement may write, the runs that have changed, and the time.
    pub(super) result: &'static str,
}

const COUNTS: &str = ",
    counted_runs AS (";

const RUN_UPDATES: &str = ",
    updated_runs AS (";

const END: &str = "
    )";

const MAY_WRITE: &str = "(SELECT is_writable FROM checked)";

/// Every other part reads `checked`, so it comes first.
const LOCKS: GuardTexts = GuardTexts {
    before: "
    WITH locked AS MATERIALIZED (
        SELECT r.id, r.commits FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE
    ),$key_rows
    checked AS MATERIALIZED (
        SELECT CASE
                WHEN coalesce((SELECT array_agg(l.commits ORDER BY l.id) FROM locked AS l), '{}') = $2
                THEN '{}'::uuid[]
                ELSE ARRAY(
                    SELECT n.id FROM unnest($1, $2) AS n (id, commits) LEFT JOIN locked AS l ON l.id = n.id
                    WHERE l.commits IS DISTINCT FROM n.commits
                )
            END AS stale,
            coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE)$and_keys_are_free
            AS is_writable
    )",
    before_counts: COUNTS,
    before_run_updates: RUN_UPDATES,
    after_update: END,
    is_run_writable: "(SELECT is_writable FROM checked) AND n.id <> ALL ((SELECT stale FROM checked)::uuid[])",
    is_new_writable: MAY_WRITE,
    is_writable: "(SELECT is_writable FROM checked) AND n.workflow_run_id <> ALL ((SELECT stale FROM checked)::uuid[])",
    result: "
    SELECT is_writable, stale, clock_timestamp() FROM checked",
};

/// Every other part reads `written`, so it comes first. An instant that differs makes the run stale, too. The update may
/// wait for a lock after it has compared the clock, and compares again only if the row has changed meanwhile. So the clock
/// is compared again at the end, where the transaction can only fail: it is repeated with rows that are locked first.
const UPDATE: GuardTexts = GuardTexts {
    before: "",
    before_counts: "
    WITH written AS (",
    before_run_updates: "
    WITH written AS (",
    after_update: "
        RETURNING CASE
            WHEN coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE) THEN r.id
            ELSE ('waited too long for the lock on the run ' || r.id)::uuid END AS id
    )",
    is_run_writable: "r.commits = ($2::bigint[])[1]
            AND coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE)",
    is_new_writable: "FALSE",
    is_writable: "(SELECT id FROM written) IS NOT NULL",
    result: "
    SELECT TRUE, CASE WHEN EXISTS (SELECT 1 FROM written) THEN '{}'::uuid[] ELSE $1 END, clock_timestamp()",
};

const NOTHING: GuardTexts = GuardTexts {
    before: "
    WITH$key_rows
    checked AS MATERIALIZED (
        SELECT coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE)$and_keys_are_free
            AS is_writable
    )",
    before_counts: COUNTS,
    before_run_updates: RUN_UPDATES,
    after_update: END,
    is_run_writable: MAY_WRITE,
    is_new_writable: MAY_WRITE,
    is_writable: MAY_WRITE,
    result: "
    SELECT is_writable, '{}'::uuid[], clock_timestamp() FROM checked",
};

/// `$key_rows`.
pub(super) const KEY_ROWS: &str = "
    key_rows AS MATERIALIZED (SELECT * FROM unnest($?::{schema}.workflow_new_key[])),";

/// `$and_keys_are_free`.
pub(super) const AND_KEYS_ARE_FREE: &str = "
            AND NOT EXISTS (
                SELECT 1 FROM key_rows AS n
                JOIN {schema}.workflow_idempotency_keys AS k ON k.command = n.command AND k.key = n.key
            )";
