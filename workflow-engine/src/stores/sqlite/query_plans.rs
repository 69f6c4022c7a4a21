//! Tests the query plans: no statement scans a table, so the cost of a commit does not grow with the finished runs.

use sqlx::{Connection, Row, SqliteConnection};

use super::options::texts_with;
use super::{
    calls, catalog, claim, clock_jumps, cost_hours, deliveries, descendants, diagnosis, enqueued, indexes,
    inspection, inspection_actions, inspection_costs, inspection_logs, inspection_queue, inspection_stages,
    ledger, load, migrations, persistence, retention, run_keys, run_tags, schedule_commits, schedules,
    side_rows, signals, stuck_runs, subscribers, timers, transport, workers, write,
};

const STATEMENTS: &[&[&str]] = &[
    side_rows::STATEMENTS,
    calls::STATEMENTS,
    cost_hours::STATEMENTS,
    descendants::STATEMENTS,
    catalog::STATEMENTS,
    diagnosis::STATEMENTS,
    claim::STATEMENTS,
    clock_jumps::STATEMENTS,
    deliveries::STATEMENTS,
    ledger::STATEMENTS,
    load::STATEMENTS,
    persistence::STATEMENTS,
    stuck_runs::STATEMENTS,
    inspection_logs::STATEMENTS,
    inspection_queue::STATEMENTS,
    inspection_actions::STATEMENTS,
    inspection_stages::STATEMENTS,
    workers::STATEMENTS,
    retention::DELETES,
    run_keys::STATEMENTS,
    signals::STATEMENTS,
    run_tags::STATEMENTS,
    enqueued::STATEMENTS,
    retention::STATEMENTS,
    subscribers::STATEMENTS,
    transport::STATEMENTS,
    timers::STATEMENTS,
    schedules::STATEMENTS,
    schedule_commits::STATEMENTS,
    &write::STATEMENTS,
];

async fn plan(connection: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = texts_with("workflow_").fill(&format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(connection).await.unwrap();
    rows.iter().map(|row| row.get("detail")).collect()
}

async fn database() -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrations::migrate(&mut connection, &texts_with("workflow_")).await.unwrap();
    connection
}

/// The statistics that `ANALYZE` would write after a million finished runs and with no pending work. They may change
/// plans.
const A_MILLION_FINISHED: &str = "
    ANALYZE;
    DELETE FROM sqlite_stat1;
    INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
        ('workflow_runs', 'workflow_runs', '1000000 1'),
        ('workflow_runs', 'workflow_runs_over', '1000000 2001'),
        ('workflow_runs', 'workflow_runs_unfinished', '0 0 0'),
        ('workflow_runs', 'workflow_runs_pending', '0 0 0 0'),
        ('workflow_runs', 'workflow_runs_due', '0 0 0'),
        ('workflow_runs', 'workflow_runs_deadline', '0 0'),
        ('workflow_stage_rows', 'workflow_stage_rows', '4000000 4 1'),
        ('workflow_runs', 'workflow_runs_held', '0 0'),
        ('workflow_job_queue', 'workflow_job_queue_leased', '0 0'),
        ('workflow_job_queue', 'workflow_job_queue_suspended', '0 0 0'),
        ('workflow_job_queue', 'workflow_job_queue_pending', '0 0 0 0'),
        ('workflow_commits', 'workflow_commits', '5000000 5 1'),
        ('workflow_commits', 'workflow_commits_unpublished', '0 0 0'),
        ('workflow_plugin_deliveries', 'workflow_plugin_deliveries_due', '0 0 0 0 0'),
        ('workflow_plugin_deliveries', 'workflow_plugin_deliveries_dead', '0 0 0 0 0');
    ANALYZE sqlite_schema;";

#[tokio::test]
async fn no_statement_scans_a_table() {
    scans_nothing(&mut database().await).await;
}

#[tokio::test]
async fn no_statement_scans_a_table_when_a_million_runs_have_finished() {
    let mut connection = database().await;
    sqlx::raw_sql(A_MILLION_FINISHED).execute(&mut connection).await.unwrap();
    scans_nothing(&mut connection).await;
}

async fn scans_nothing(connection: &mut SqliteConnection) {
    // A walk of a partial index does not scan its table: the index holds only pending work.
    let partial = [
        "workflow_plugin_deliveries_held",
        "workflow_job_queue_leased",
        "workflow_job_queue_pending",
        "workflow_job_queue_suspended",
        "workflow_commits_unpublished",
        "workflow_plugin_deliveries_dead",
        "workflow_runs_deadline",
        "workflow_runs_due",
        "workflow_runs_held",
        "workflow_runs_pending",
        "workflow_runs_unfinished",
        "workflow_ai_calls_not_rolled_up",
    ];
    let harmless = |step: &str| {
        !step.starts_with("SCAN")
            || step.contains("VIRTUAL TABLE")
            // An arm of a union, which ends at its own limit.
            || step.starts_with("SCAN (subquery-")
            || ["SCAN CONSTANT ROW", "SCAN fresh", "SCAN p"].contains(&step)
            // A union whose arms end at their limits.
            || step == "SCAN e"
            // A run and those below it, up to a limit.
            || step == "SCAN d"
            // A row for each subscriber.
            || ["SCAN s", "SCAN workflow_subscribers"].contains(&step)
            || partial.iter().any(|index| step.ends_with(&format!("INDEX {index}")))
    };
    for sql in STATEMENTS.iter().copied().flatten() {
        let plan = plan(connection, sql).await;
        let scans: Vec<_> = plan.iter().filter(|step| !harmless(step)).collect();
        assert!(scans.is_empty(), "{scans:#?} in {sql}");
    }
}

/// A slice of a list walks its candidates in the order of an index, and reads no more rows than it has candidates. Only
/// the unfinished and the ended runs are sorted, which are few or limited.
#[tokio::test]
async fn a_slice_of_a_list_reads_its_candidates_from_an_index() {
    let mut connection = database().await;
    sqlx::raw_sql(A_MILLION_FINISHED).execute(&mut connection).await.unwrap();
    for (sql, candidates) in inspection::STATEMENTS.iter().zip([
        &["SEARCH r USING PRIMARY KEY (id<?)"][..],
        &["SCAN n USING INDEX workflow_runs_unfinished"],
        &["SEARCH n USING COVERING INDEX workflow_runs_ended (status=? AND id<?)"; 2],
        &["SEARCH t USING COVERING INDEX workflow_run_tags_by_value (key=? AND value=? AND workflow_run_id<?)"],
        &["SEARCH r USING INDEX workflow_runs_children (parent_run_id=? AND id<?)"],
        &["SCAN r USING INDEX workflow_runs_unfinished"],
        &["SEARCH t USING COVERING INDEX workflow_run_tags_by_value (key=? AND value=?)"],
        // Without the optional index it is not used.
        &["SEARCH r USING PRIMARY KEY (id<?)"],
    ]) {
        let plan = plan(&mut connection, sql).await;
        let walks: Vec<_> = plan
            .iter()
            .filter(|step| step.starts_with("SCAN ") || step.starts_with("SEARCH "))
            .filter(|step| !["SEARCH r USING PRIMARY KEY (id=?)", "SCAN c", "SCAN u"].contains(&step.as_str()))
            .filter(|step| !step.starts_with("SCAN (subquery-") && !step.contains("VIRTUAL TABLE"))
            .filter(|step| !step.starts_with("SEARCH o USING PRIMARY KEY (workflow_run_id=? AND key=?)"))
            .collect();
        assert_eq!(walks, candidates, "{plan:#?} of {sql}");
    }
}

/// The optional index serves the list of a workflow, and changes no other statement.
#[tokio::test]
async fn the_index_by_workflow_is_used_by_the_list_of_a_workflow_alone() {
    let mut connection = database().await;
    sqlx::raw_sql(A_MILLION_FINISHED).execute(&mut connection).await.unwrap();
    let statements: Vec<&str> =
        STATEMENTS.iter().chain([&inspection::STATEMENTS]).copied().flatten().copied().collect();
    let mut plans = Vec::new();
    for sql in &statements {
        plans.push(plan(&mut connection, sql).await);
    }
    let add = texts_with("workflow_").fill(indexes::ADD_BY_WORKFLOW);
    sqlx::query(add).execute(&mut connection).await.unwrap();
    let range = "SEARCH r USING INDEX workflow_runs_by_workflow (workflow_id=? AND id<?)";
    let mut changed = 0;
    for (sql, before) in statements.iter().zip(&plans) {
        let with_index = plan(&mut connection, sql).await;
        if with_index != *before {
            assert!(with_index.iter().any(|step| step == range), "{with_index:#?} of {sql}");
            changed += 1;
        }
    }
    assert_eq!(changed, 1, "the number of statements that use it");
}

#[tokio::test]
async fn the_search_for_expensive_runs_reads_the_newest_runs_in_their_order() {
    let mut connection = database().await;
    sqlx::raw_sql(A_MILLION_FINISHED).execute(&mut connection).await.unwrap();
    let plan = plan(&mut connection, inspection_costs::STATEMENT).await;
    let walks = plan.iter().filter(|step| step.starts_with("SCAN ") || step.starts_with("SEARCH "));
    let walks: Vec<_> = walks.filter(|step| *step != "SCAN c").collect();
    assert_eq!(walks, ["SEARCH r USING PRIMARY KEY (id<?)"], "{plan:#?}");
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}");
}

/// A claim finds its work through the index, however much work there is of other definitions.
#[tokio::test]
async fn waiting_work_is_found_by_its_definition() {
    let mut connection = database().await;
    let waiting = [
        "workflow_job_queue_pending",
        "workflow_job_queue_suspended",
        "workflow_runs_pending",
        "workflow_runs_due",
    ];
    let statements = STATEMENTS.iter().copied().flatten();
    let claims: Vec<_> = statements.filter(|sql| sql.contains("definition_fingerprint = ")).collect();
    assert!(claims.len() >= 5, "{claims:#?}");
    for sql in claims {
        let plan = plan(&mut connection, sql).await;
        let steps = plan.iter().filter(|step| waiting.iter().any(|index| step.contains(index)));
        let others: Vec<_> = steps.filter(|step| !step.contains("(definition_fingerprint=?")).collect();
        assert!(others.is_empty(), "{others:#?} in {sql}");
    }
}

/// A claim finds the due jobs of each priority through the index, however many jobs wait for their instant.
#[tokio::test]
async fn jobs_that_are_not_due_are_not_read() {
    let mut connection = database().await;
    let statements = STATEMENTS.iter().copied().flatten();
    let claims: Vec<_> = statements
        .filter(|sql| {
            sql.contains("status = 'PENDING'") && sql.contains("j.priority = p.priority AND j.run_at <= ?")
        })
        .collect();
    assert_eq!(claims.len(), 1, "{claims:#?}");
    for sql in claims {
        let plan = plan(&mut connection, sql).await;
        let due = plan.iter().filter(|step| step.starts_with("SEARCH j "));
        let due: Vec<_> = due.collect();
        let range = "(definition_fingerprint=? AND priority=? AND run_at<?)";
        assert!(due.len() >= 8 && due.iter().all(|step| step.ends_with(range)), "{plan:#?}");
        let order: Vec<_> =
            plan.iter().filter(|step| step.starts_with("SCAN p") || due.contains(step)).collect();
        assert!(
            order.chunks(3).all(|arm| arm.len() == 3 && arm[2].starts_with("SEARCH j ")),
            "the priorities are the outer loop: {plan:#?}"
        );
    }
}

/// Signals are found by their stage; stages that wait for one, later starts and deadlines by ranges of their indexes, or by
/// the first entry.
#[tokio::test]
async fn waits_and_instants_are_ranges_of_their_indexes() {
    let ranges = [
        (
            "workflow_runs_due",
            &[
                "(definition_fingerprint=? AND due_at>? AND due_at<?)",
                "(definition_fingerprint=? AND due_at>?)",
            ][..],
        ),
        ("workflow_runs_deadline", &["(deadline_at>? AND deadline_at<?)", "(deadline_at>?)"]),
        (
            "workflow_job_queue_suspended",
            &[
                "(definition_fingerprint=? AND run_at>?)",
                "(definition_fingerprint>?)",
                "INDEX workflow_job_queue_suspended",
            ],
        ),
    ];
    let mut connection = database().await;
    sqlx::raw_sql(A_MILLION_FINISHED).execute(&mut connection).await.unwrap();
    let mut found = 0;
    for sql in [signals::STATEMENTS, timers::STATEMENTS].into_iter().flatten() {
        for step in plan(&mut connection, sql).await {
            assert!(!step.starts_with("SCAN g"), "{step} of {sql}");
            for (index, allowed) in ranges.iter().filter(|(index, _)| step.contains(index)) {
                assert!(allowed.iter().any(|range| step.ends_with(range)), "{index}: {step} of {sql}");
                found += 1;
            }
        }
    }
    assert!(found >= 12, "{found} steps use these indexes");
}

/// The user may execute `ANALYZE` on the file at any time, also while a hundred thousand jobs wait for their instant.
#[tokio::test]
async fn no_statement_reads_all_waiting_jobs_for_a_bloom_filter() {
    const MANY_WAIT: &str = "
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
        INSERT INTO workflow_runs (id, workflow_id, workflow_name, workflow_type, definition_fingerprint, status,
            priority, version, generation, last_sequence, waiting_on, active, suspended, created_at)
        SELECT printf('%036d', i), 'w', 'w', 'w', 'd', 'RUNNING', 5, 1, 1, 1, 1, 1, 0, 1 FROM n;
        INSERT INTO workflow_job_queue (workflow_run_id, stage_id, workflow_id, definition_fingerprint, generation,
            status, priority, attempt, max_attempts, crashes, max_crashes, lease_epoch, run_at, woken, due_written_at)
        SELECT id, 'a', 'w', 'd', 1, 'PENDING', 5, 0, 3, 0, 3, 0, 4000000000000000, 0, 1 FROM workflow_runs;
        ANALYZE;";

    let mut connection = database().await;
    sqlx::raw_sql(MANY_WAIT).execute(&mut connection).await.unwrap();
    for sql in STATEMENTS.iter().copied().flatten() {
        let plan = plan(&mut connection, sql).await;
        // One over a list of values reads no table.
        assert!(!plan.iter().any(|step| step.contains("BLOOM FILTER ON")), "{plan:#?} of {sql}");
    }
}

#[tokio::test]
async fn ordered_rows_come_from_an_index() {
    let mut connection = database().await;
    for sql in STATEMENTS.iter().copied().flatten() {
        // Sorting is cheap here: a run has few stages, whose reading order is not that of their key, a ledger has few
        // models, few schedules are due at once, and unfinished runs, the queue and leases are counted up to a limit.
        let sorted = [
            "ORDER BY s.stage_number",
            "ORDER BY s.due_at, s.id",
            "ORDER BY s.blocked_by, s.id",
            "GROUP BY c.model_key",
            "GROUP BY definition_fingerprint",
            "GROUP BY e.workflow_id, e.kind",
            "GROUP BY worker_id",
            // Groups of sums.
            "FROM e GROUP BY 1, 2, 3, 4",
        ];
        if sorted.iter().any(|part| sql.contains(part)) {
            continue;
        }
        let plan = plan(&mut connection, sql).await;
        // A union drops duplicates, as DISTINCT does.
        let drops_duplicates = |step: &str| step.contains("DISTINCT") || step.starts_with("UNION USING");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE") && !drops_duplicates(step));
        assert!(!sorts, "{plan:#?} of {sql}");
    }
}

/// Rows of a table that a purge leaves out would stay for ever.
#[tokio::test]
async fn a_purge_deletes_from_every_table_that_names_a_run() {
    let mut connection = database().await;
    let tables = "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
        WHERE m.type = 'table' AND c.name = 'workflow_run_id'";
    let tables = sqlx::query(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() >= 9);
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        let delete = format!("DELETE FROM {table} WHERE");
        assert!(
            retention::DELETES
                .iter()
                .any(|sql| texts_with("workflow_").fill(sql).as_str().starts_with(&delete)),
            "a purge does not delete from `{table}`"
        );
    }
}
