//! Bound values, and the order of statements.

use chrono::{DateTime, Utc};
use tests::on_every_database;
use tests::tables::Tables;
use workflow_engine::Statement;
use workflow_engine::prelude::*;
use workflow_engine::records::SqlValue;

/// Inserts a row with every kind of value, and one of nulls.
#[stage]
async fn insert(table: String, ctx: &StageContext) -> StageResult<()> {
    let sql = format!(
        "INSERT INTO {table} (a, b, c, d, e, f, g, h, i) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let instant: DateTime<Utc> = "2026-01-02T03:04:05.000006789Z".parse()?;
    let values = Statement::new(&sql)
        .bind(true)
        .bind(i64::MIN)
        .bind(-7)
        .bind(0.1)
        .bind("'; DROP TABLE plenty; -- $1 größe")
        .bind(vec![0, 255, b'\''])
        .bind(SqlValue::json(&serde_json::json!({"a": [1, null]}))?)
        .bind(ctx.run_id())
        .bind(instant);
    let nulls = (0..9).fold(Statement::new(&sql), |statement, _| statement.bind(SqlValue::Null));
    ctx.transaction().execute(values)?.execute(nulls)?;
    Ok(())
}

workflow! { inserting = insert }

async fn every_value_is_stored_unchanged(tables: Tables) {
    let (types, row) = match &tables {
        Tables::Sqlite(_) => (
            "a INTEGER, b INTEGER, c INTEGER, d REAL, e TEXT, f BLOB, g TEXT, h TEXT, i TEXT",
            "concat_ws(' | ', a, b, c, d, e, hex(f), g, h, i)",
        ),
        Tables::Postgres(_) => (
            "a BOOLEAN, b BIGINT, c INTEGER, d DOUBLE PRECISION, e VARCHAR(99), f BYTEA, g JSONB, h UUID, i TIMESTAMPTZ",
            "concat_ws(' | ', a::int, b, c, d, e, upper(encode(f, 'hex')), replace(g::text, ' ', ''), h, \
             to_char(i AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.USZ'))",
        ),
    };
    let row = row.replace("\\\n             ", "");
    let engine = tables.engine().await.register::<inserting>().build().await.unwrap();
    let table = tables.name("plenty");
    tables.run(&format!("CREATE TABLE {table} ({types})")).await;
    let run = engine.start::<inserting>(InsertInput { table: table.clone() }).await.unwrap();
    run.output().await.unwrap();

    let found = tables.texts(&format!("SELECT {row} FROM {table} ORDER BY b IS NULL")).await;
    let expected = format!(
        "1 | -9223372036854775808 | -7 | 0.1 | '; DROP TABLE plenty; -- $1 größe | 00FF27 | {{\"a\":[1,null]}} | {} | \
         2026-01-02T03:04:05.000006Z",
        run.id()
    );
    assert_eq!(found, [expected, String::new()]);
    engine.shutdown().await;
}

/// Adds statements whose result depends on their order.
#[stage]
async fn count_up(table: String, ctx: &StageContext) -> StageResult<()> {
    let transaction = ctx.transaction();
    transaction.execute(Statement::new(format!("INSERT INTO {table} (n) VALUES (1)")))?;
    for _ in 0..5 {
        transaction.execute(Statement::new(format!("UPDATE {table} SET n = n * 2 + $1")).bind(1))?;
    }
    transaction.execute(Statement::new(format!(
        "WITH old AS (SELECT max(n) AS n FROM {table}) INSERT INTO {table} (n) SELECT n + 1 FROM old;"
    )))?;
    Ok(())
}

workflow! { counting = count_up }

async fn statements_run_in_order(tables: Tables) {
    let engine = tables.engine().await.register::<counting>().build().await.unwrap();
    let table = tables.name("counted");
    tables.run(&format!("CREATE TABLE {table} (n INTEGER)")).await;
    let run = engine.start::<counting>(CountUpInput { table: table.clone() }).await.unwrap();
    run.output().await.unwrap();
    let found = tables.texts(&format!("SELECT CAST(n AS TEXT) FROM {table} ORDER BY n")).await;
    assert_eq!(found, ["63", "64"]);
    engine.shutdown().await;
}

/// The statements of the body are committed with the ticket, and those of each check with its outcome.
#[stage(check = arrived, poll_every = "1ms")]
async fn order(table: String, ctx: &StageContext) -> StageResult<String> {
    ctx.transaction().execute(Statement::new(format!("INSERT INTO {table} (what) VALUES ('ordered')")))?;
    Ok(table)
}

#[check]
async fn arrived(table: &String, ctx: &StageContext) -> StageResult<Check<u32>> {
    let checks: u32 = ctx.storage().get::<u32>("checks").await?.unwrap_or_default() + 1;
    ctx.storage().put("checks", &checks)?;
    ctx.transaction().execute(
        Statement::new(format!("INSERT INTO {table} (what) VALUES ($1)")).bind(format!("checked {checks}")),
    )?;
    Ok(if checks < 3 { Check::Pending } else { Check::Ready(checks) })
}

workflow! { ordering = order }

async fn a_waiting_stage_commits_statements_with_its_ticket_and_with_each_check(tables: Tables) {
    let engine = tables.engine().await.register::<ordering>().build().await.unwrap();
    let table = tables.name("orders");
    tables.run(&format!("CREATE TABLE {table} (what TEXT)")).await;
    let run = engine.start::<ordering>(OrderInput { table: table.clone() }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 3);
    let found = tables.texts(&format!("SELECT what FROM {table} ORDER BY what")).await;
    assert_eq!(found, ["checked 1", "checked 2", "checked 3", "ordered"]);
    engine.shutdown().await;
}

on_every_database!(
    every_value_is_stored_unchanged,
    statements_run_in_order,
    a_waiting_stage_commits_statements_with_its_ticket_and_with_each_check,
);
