//! Statements that the database refuses: the attempt fails with the error of the database, and leaves nothing.

use tests::events::names;
use tests::on_every_database;
use tests::tables::Tables;
use workflow_engine::kernel::{ExecuteJob, JobOutcome, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::{AnnotationFilter, AnnotationKey, LogLevel, Statement};

const TRIED: AnnotationKey<u32> = AnnotationKey::new("tried");

/// A stage whose second statement violates a unique key in the first `failures` attempts.
#[stage(retry(max_attempts = 3, initial = "1ms", max = "1ms"))]
async fn insert(table: String, failures: u32, ctx: &StageContext) -> StageResult<u32> {
    let key = if ctx.attempt() <= failures { 1 } else { 2 };
    ctx.log(LogLevel::Info, format!("attempt {}", ctx.attempt()), ());
    ctx.annotate(TRIED.value(&ctx.attempt()))?;
    ctx.put_artifact("attempt", &ctx.attempt())?;
    ctx.record_metric("attempt", ctx.attempt().into())?;
    ctx.transaction()
        .execute(Statement::new(format!("INSERT INTO {table} (id) VALUES ($1)")).bind(10 + ctx.attempt()))?
        .execute(Statement::new(format!("INSERT INTO {table} (id) VALUES ($1)")).bind(key))?
        .execute(Statement::new(format!("INSERT INTO {table} (id) VALUES ($1)")).bind(100))?;
    Ok(ctx.attempt())
}

workflow! { inserting = insert }

async fn table(tables: &Tables) -> String {
    let table = tables.name("keyed");
    tables
        .run(&format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY); INSERT INTO {table} VALUES (1)"))
        .await;
    table
}

async fn ids(tables: &Tables, table: &str) -> Vec<String> {
    tables.texts(&format!("SELECT CAST(id AS TEXT) AS shown FROM {table} ORDER BY id")).await
}

async fn a_refused_statement_fails_its_attempt_and_leaves_nothing(tables: Tables) {
    let engine = tables.engine().await.register::<inserting>().build().await.unwrap();
    let table = table(&tables).await;
    let run = engine.start::<inserting>(InsertInput { table: table.clone(), failures: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 2);
    assert_eq!(ids(&tables, &table).await, ["1", "2", "12", "100"]);

    let events = names(&run).await;
    assert_eq!(events[2..6], ["stage:started", "stage:retrying", "stage:started", "stage:completed"]);
    let found = run.annotations(&AnnotationFilter::new()).await.unwrap();
    assert_eq!(found.iter().map(|found| found.get(TRIED).unwrap()).collect::<Vec<_>>(), [Some(2)]);
    assert_eq!(run.artifact::<insert, u32>("attempt").await.unwrap(), Some(2));
    assert_eq!(run.stages().await.unwrap()[0].metrics["attempt"].to_string(), "2");
    // The log lines of failed attempts are kept.
    let lines = engine.kernel().store().logs(run.id(), 0, 10).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(),
        ["attempt 1", "attempt 2"]
    );
    engine.shutdown().await;
}

async fn a_statement_that_is_always_refused_fails_the_run(tables: Tables) {
    let engine = tables.engine().await.register::<inserting>().build().await.unwrap();
    let table = table(&tables).await;
    let run = engine.start::<inserting>(InsertInput { table: table.clone(), failures: 3 }).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    assert_eq!(ids(&tables, &table).await, ["1"]);
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "STATEMENT_CONFLICT", "a violated constraint has its own code");
    let whole = "stage `insert` failed after 3 attempts: statement 2 of 3 was refused by the database: ";
    assert!(error.message.starts_with(whole), "{}", error.message);
    let of_the_database = match tables {
        Tables::Sqlite(_) => "UNIQUE constraint failed: keyed.id",
        Tables::Postgres(_) => "duplicate key value violates unique constraint \"keyed_pkey\"",
    };
    assert!(error.message.contains(of_the_database), "{}", error.message);
    assert!(run.annotations(&AnnotationFilter::new()).await.unwrap().is_empty());
    assert!(run.artifacts().await.unwrap().is_empty());
    let mut events = futures_util::StreamExt::collect::<Vec<_>>(run.events()).await.into_iter();
    let error = events.find_map(|event| match event.unwrap().kind {
        EventKind::StageRetrying { error, .. } => Some(error),
        _ => None,
    });
    assert!(error.unwrap().starts_with("statement 2 of 3 was refused by the database: "));
    engine.shutdown().await;
}

/// A stage whose statement violates a deferred constraint in the first attempt.
#[stage(retry(max_attempts = 2, initial = "1ms"))]
async fn refer(parents: String, children: String, ctx: &StageContext) -> StageResult<u32> {
    let child = Statement::new(format!("INSERT INTO {children} (parent) VALUES ($1)")).bind(7);
    ctx.transaction().execute(child)?;
    if ctx.attempt() == 2 {
        ctx.transaction().execute(Statement::new(format!("INSERT INTO {parents} (id) VALUES (7)")))?;
    }
    Ok(ctx.attempt())
}

workflow! { referring = refer }

async fn a_deferred_constraint_fails_the_attempt(tables: Tables) {
    let engine = tables.engine().await.register::<referring>().build().await.unwrap();
    let (parents, children) = (tables.name("parents"), tables.name("children"));
    tables
        .run(&format!(
            "CREATE TABLE {parents} (id INTEGER PRIMARY KEY);
            CREATE TABLE {children} (parent INTEGER REFERENCES {parents} (id) DEFERRABLE INITIALLY DEFERRED)"
        ))
        .await;
    let input = ReferInput { parents, children: children.clone() };
    let run = engine.start::<referring>(input).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 2);
    let count = tables.texts(&format!("SELECT CAST(count(*) AS TEXT) FROM {children}")).await;
    assert_eq!(count, ["1"], "the first attempt left nothing");
    let mut events = futures_util::StreamExt::collect::<Vec<_>>(run.events()).await.into_iter();
    let error = events.find_map(|event| match event.unwrap().kind {
        EventKind::StageRetrying { error, .. } => Some(error),
        _ => None,
    });
    let error = error.unwrap();
    assert!(error.starts_with("the commit of its statements was refused by the database: "), "{error}");
    engine.shutdown().await;
}

/// A stage with an arbitrary statement. Only the database can detect a wrong name.
#[stage(retry(max_attempts = 1))]
async fn nonsense(sql: String, ctx: &StageContext) -> StageResult<()> {
    ctx.transaction().execute(Statement::new(sql))?;
    Ok(())
}

workflow! { nonsensical = nonsense }

async fn an_invalid_statement_is_refused_with_the_error_of_the_database(tables: Tables) {
    let engine = tables.engine().await.register::<nonsensical>().build().await.unwrap();
    for (sql, code) in [
        ("INSERT INTO missing_table (a) VALUES (1)", "STATEMENT_FAILED"),
        ("INSERT INSERT", "STATEMENT_FAILED"),
        ("UPDATE missing_table SET a = @name", "STATEMENT_FAILED"),
        ("COMMIT", "STAGE_FAILED"),
        ("DELETE FROM a; COMMIT", "STAGE_FAILED"),
    ] {
        let run = engine.start::<nonsensical>(NonsenseInput { sql: sql.into() }).await.unwrap();
        assert!(run.output().await.is_err());
        let error = run.record().await.unwrap().error.unwrap();
        assert_eq!(error.code, code, "{sql}: {}", error.message);
    }
    engine.shutdown().await;
}

/// A stage that returns the number of its attempt. The statement of the first attempt is refused.
#[stage(retry(max_attempts = 2, initial = "1ms", max = "1ms"))]
async fn deliver(table: String, ctx: &StageContext) -> StageResult<u32> {
    let insert = Statement::new(format!("INSERT INTO {table} (id) VALUES ($1)"));
    ctx.transaction().execute(insert.bind(ctx.attempt()))?;
    Ok(ctx.attempt())
}

#[stage]
async fn receive(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { delivering = deliver >> receive }

/// A process that caches outputs must not cache an output that was never committed.
async fn the_output_of_a_refused_attempt_is_not_passed_on(tables: Tables) {
    let table = {
        let engine = tables.engine().await.without_worker().build().await.unwrap();
        engine.shutdown().await;
        table(&tables).await
    };
    let one = tables.engine().await.register::<delivering>().without_worker().build().await.unwrap();
    let two = tables.engine().await.register::<delivering>().without_worker().build().await.unwrap();
    let run = one.start::<delivering>(DeliverInput { table }).await.unwrap();
    let run_id = run.id();
    one.dispatch(TransitionRun { run_id }).await.unwrap();
    let execute = |stage: &str| ExecuteJob {
        worker_id: "w".into(),
        run_id,
        stage_key: stage.into(),
        idempotency_key: None,
    };

    let refused = one.dispatch(execute("deliver")).await.unwrap().outcome;
    assert!(matches!(refused, JobOutcome::Failed { retryable: true, .. }), "{refused:?}");
    // There is nothing to execute until the backoff of one millisecond has passed.
    while matches!(two.dispatch(execute("deliver")).await.unwrap().outcome, JobOutcome::Superseded { .. }) {}
    assert_eq!(one.dispatch(execute("receive")).await.unwrap().outcome, JobOutcome::Completed);
    assert_eq!(run.output().await.unwrap(), 2);
    one.shutdown().await;
    two.shutdown().await;
}

/// A stage that changes the row `id`, of which there may be none or several.
#[stage(retry(max_attempts = 3, initial = "1ms", max = "1ms"))]
async fn change(table: String, id: u32, expected: String, ctx: &StageContext) -> StageResult<()> {
    let insert = Statement::new(format!("INSERT INTO {table} VALUES (100, 'inserted')"));
    let update = Statement::new(format!("UPDATE {table} SET name = 'changed' WHERE id = $1")).bind(id);
    let update = match expected.as_str() {
        "any" => update.expect_any(),
        "once" => update.expect_rows(1),
        "none" => update.expect_rows(0),
        "once, without a retry" => update.expect_rows(1).without_retry(),
        _ => update,
    };
    ctx.transaction().execute(insert)?.execute(update)?;
    Ok(())
}

workflow! { changing = change }

async fn a_statement_that_changes_another_number_of_rows_fails_its_attempt_by_name(tables: Tables) {
    let engine = tables.engine().await.register::<changing>().build().await.unwrap();
    let table = tables.name("changed");
    // The row 1 once, the row 2 twice, and no row 3.
    let create = format!(
        "CREATE TABLE {table} (id INTEGER, name TEXT); INSERT INTO {table} VALUES (1, ''), (2, ''), (2, '')"
    );
    tables.run(&create).await;
    for (id, expected, failure) in [
        (3, "anything", None),
        (1, "once", None),
        (2, "any", None),
        (3, "none", None),
        (3, "once", Some("after 3 attempts: statement 2 of 2 changed no row, but 1 row is expected")),
        (2, "once", Some("after 3 attempts: statement 2 of 2 changed 2 rows, but 1 row is expected")),
        (3, "any", Some("after 3 attempts: statement 2 of 2 changed no row, but at least one is expected")),
        (1, "none", Some("after 3 attempts: statement 2 of 2 changed 1 row, but no row is expected")),
        (
            3,
            "once, without a retry",
            Some("after 1 attempt: statement 2 of 2 changed no row, but 1 row is expected"),
        ),
    ] {
        let inserted = format!("SELECT CAST(count(*) AS TEXT) FROM {table} WHERE id = 100");
        let before = tables.texts(&inserted).await;
        let input = ChangeInput { table: table.clone(), id, expected: expected.into() };
        let run = engine.start::<changing>(input).await.unwrap();
        let output = run.output().await;
        let error = run.record().await.unwrap().error;
        let Some(failure) = failure else {
            output.unwrap_or_else(|error| panic!("{id}, {expected}: {error}"));
            continue;
        };
        let error = error.unwrap_or_else(|| panic!("{id}, {expected}: the run has not failed"));
        assert_eq!(error.code, "STATEMENT_UNMET", "{id}, {expected}");
        assert_eq!(error.message, format!("stage `change` failed {failure}"), "{id}, {expected}");
        assert_eq!(tables.texts(&inserted).await, before, "nothing of the attempt is written");
    }
    engine.shutdown().await;
}

/// A stage that inserts a row that exists already.
#[stage(retry(max_attempts = 3, initial = "1ms", max = "1ms"))]
async fn insert_once(table: String, sql: String, ctx: &StageContext) -> StageResult<()> {
    ctx.transaction().execute(Statement::new(format!("INSERT INTO {table} {sql}")).without_retry())?;
    Ok(())
}

workflow! { inserting_once = insert_once }

async fn a_violated_constraint_is_not_retried_where_the_statement_says_so(tables: Tables) {
    let engine = tables.engine().await.register::<inserting_once>().build().await.unwrap();
    let table = table(&tables).await;
    for (sql, code, attempts) in [
        ("VALUES (1)", "STATEMENT_CONFLICT", "1 attempt"),
        ("VALUES (NULL)", "STATEMENT_CONFLICT", "1 attempt"),
        ("VALUES (missing)", "STATEMENT_FAILED", "3 attempts"),
    ] {
        if matches!(tables, Tables::Sqlite(_)) && sql == "VALUES (NULL)" {
            // SQLite gives an integer key that is NULL a number.
            continue;
        }
        let run = engine
            .start::<inserting_once>(InsertOnceInput { table: table.clone(), sql: sql.into() })
            .await
            .unwrap();
        assert!(run.output().await.is_err());
        let error = run.record().await.unwrap().error.unwrap();
        assert_eq!(error.code, code, "{sql}: {}", error.message);
        let prefix = format!("stage `insert-once` failed after {attempts}: statement 1 of 1 was refused");
        assert!(error.message.starts_with(&prefix), "{sql}: {}", error.message);
    }
    engine.shutdown().await;
}

on_every_database!(
    the_output_of_a_refused_attempt_is_not_passed_on,
    a_refused_statement_fails_its_attempt_and_leaves_nothing,
    a_statement_that_is_always_refused_fails_the_run,
    a_deferred_constraint_fails_the_attempt,
    a_statement_that_changes_another_number_of_rows_fails_its_attempt_by_name,
    a_violated_constraint_is_not_retried_where_the_statement_says_so,
    an_invalid_statement_is_refused_with_the_error_of_the_database,
);
