//! The one place that makes SQL at run time: it puts the schema's name into the statements, and the statement that
//! writes a commit together from its parts.
//!
//! Nothing else goes into them. Parts are constants, the name is a plain identifier (`options::schema_of`), and whatever
//! users give is an argument.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::write_sql::{FIT, Parts};
use super::{
    calls, claim_locking, deliveries, external_commits, ledger, load, persistence, request_loader, retention,
    side_rows, stuck_runs, transport, write,
};

/// A text with the schema's name in its slots.
pub(super) fn fill(sql: &str, schema: &str) -> SqlStr {
    AssertSqlSafe(sql.replace("{schema}", schema)).into_sql_str()
}

/// The statement that writes a commit, each choice of its parts made when it is first needed.
#[derive(Debug)]
pub(super) struct Writes {
    schema: String,
    made: [OnceLock<SqlStr>; Parts::STATEMENTS],
}

impl Writes {
    /// That of these parts.
    pub(super) fn of(&self, parts: Parts) -> &SqlStr {
        self.made[parts.number()].get_or_init(|| self.make(parts.number()))
    }

    fn make(&self, number: usize) -> SqlStr {
        let whole = Parts::texts(number).collect::<String>().replace("$fit", FIT);
        let mut pieces = whole.split("$?");
        let mut numbered = pieces.next().unwrap_or_default().to_owned();
        // The first four have their numbers.
        for (piece, argument) in pieces.zip(5_u32..) {
            numbered.push('$');
            numbered.push_str(&argument.to_string());
            numbered.push_str(piece);
        }
        fill(&numbered, &self.schema)
    }
}

macro_rules! statements {
    ($($name:ident: $sql:expr,)*) => {
        /// The statements of one store.
        #[derive(Debug)]
        pub(super) struct Statements {
            $(pub(super) $name: SqlStr,)*
            pub(super) begin: SqlStr,
            pub(super) write: Writes,
        }

        impl Statements {
            /// Those over this schema, in transactions that begin like this.
            pub(super) fn new(schema: &str, begin: String) -> Self {
                let write = Writes { schema: schema.to_owned(), made: std::array::from_fn(|_| OnceLock::new()) };
                Self { $($name: fill($sql, schema),)* begin: AssertSqlSafe(begin).into_sql_str(), write }
            }
        }
    };
}

statements! {
    load: load::LOAD,
    load_whole: load::LOAD_WHOLE,
    answer_keys: write::ANSWER_KEYS,
    insert_annotations: side_rows::INSERT_ANNOTATIONS,
    put_artifacts: side_rows::PUT_ARTIFACTS,
    delete_artifacts: side_rows::DELETE_ARTIFACTS,
    update_metrics: side_rows::UPDATE_METRICS,
    annotations: side_rows::ANNOTATIONS,
    annotations_of_key: side_rows::ANNOTATIONS_OF_KEY,
    artifacts: side_rows::ARTIFACTS,
    artifact: side_rows::ARTIFACT,
    load_calls: calls::LOAD,
    reserve_calls: calls::RESERVE,
    settle_calls: calls::SETTLE,
    void_calls: calls::VOID,
    update_run_spending: calls::UPDATE_RUNS,
    update_stage_spending: calls::UPDATE_STAGES,
    calls_of_run: ledger::OF_RUN,
    calls_of_topic: ledger::OF_TOPIC,
    call_statistics: ledger::STATISTICS,
    find_due: claim_locking::FIND_DUE,
    lock_due: claim_locking::LOCK_DUE,
    wait_for_due: claim_locking::WAIT_FOR_DUE,
    run: persistence::RUN,
    requests: request_loader::REQUESTS,
    stages: persistence::STAGES,
    stage: persistence::STAGE,
    completed_stages: persistence::COMPLETED_STAGES,
    blob: persistence::BLOB,
    events: persistence::EVENTS,
    logs: persistence::LOGS,
    pending_runs: persistence::PENDING_RUNS,
    unfinished_runs: persistence::UNFINISHED_RUNS,
    stuck_runs: stuck_runs::STUCK_RUNS,
    unclaimed_runs: stuck_runs::UNCLAIMED_RUNS,
    renew: transport::RENEW,
    lost: transport::LOST,
    stale: transport::STALE,
    lease_holders: transport::LEASE_HOLDERS,
    due_checks: transport::DUE_CHECKS,
    next_job_due: transport::NEXT_JOB_DUE,
    next_lease_end: transport::NEXT_LEASE_END,
    any_deliveries: deliveries::ANY,
    hand_over: deliveries::HAND_OVER,
    claim_deliveries: deliveries::CLAIM,
    windows: deliveries::WINDOWS,
    named_deliveries: deliveries::NAMED,
    settle_deliveries: deliveries::SETTLE,
    next_delivery_due: deliveries::NEXT_DUE,
    dead_letters: deliveries::DEAD_LETTERS,
    replay: deliveries::REPLAY,
    over: retention::OVER,
    purge: retention::PURGE,
    oldest_end: retention::OLDEST_END,
    purged: retention::PURGED,
    forget_purged: retention::FORGET,
    notify: external_commits::NOTIFY,
    moved: external_commits::MOVED,
}
