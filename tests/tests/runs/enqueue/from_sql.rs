//! The SQL function `workflow_enqueue`, which a program in any language can call.

use sqlx::{AssertSqlSafe, PgConnection};
use tests::postgres::{Schema, is_available};
use workflow_engine::prelude::*;
use workflow_engine::{ErrorCode, RunFilter, RunId};

use super::{Shipping, build, count_of, shipped};

/// Calls the function with these arguments.
async fn enqueue(program: &mut PgConnection, schema: &Schema, arguments: &str) -> RunId {
    let sql = format!("SELECT {}.workflow_enqueue({arguments})::text", schema.name());
    let id: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(program).await.unwrap();
    id.parse().unwrap()
}

#[tokio::test]
async fn a_program_in_any_language_enqueues_a_run() {
    if !is_available("a_program_in_any_language_enqueues_a_run") {
        return;
    }
    let schema = Schema::new();
    let engine = build(Engine::builder(schema.options())).await;
    let mut program = schema.connect().await;
    let arguments =
        r#"'sql-1', 'shipping', '{"order": "sql"}', '{"ship": {"parcels": 2}}', 7, '{"from": "sql"}'"#;
    let id = enqueue(&mut program, &schema, arguments).await;
    assert_eq!(id.as_uuid().get_version_num(), 7, "ids sort by age");
    shipped("sql").await;

    let run = engine.run_handle::<Shipping>(id).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "sql in 2");
    assert_eq!(run.record().await.unwrap().priority, 7);
    let tagged = engine.runs(&RunFilter::new().tag("from", "sql")).await.unwrap();
    assert_eq!(tagged.items[0].id, id);
    assert_eq!(enqueue(&mut program, &schema, arguments).await, id, "the key was used");
    let named = r#"key => NULL, workflow => 'shipping', input => '{"order": "sql by name"}'"#;
    enqueue(&mut program, &schema, named).await;
    shipped("sql by name").await;
    assert_eq!(count_of("sql"), 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_request_that_is_refused_becomes_a_failed_run_with_the_reason() {
    if !is_available("a_request_that_is_refused_becomes_a_failed_run_with_the_reason") {
        return;
    }
    let schema = Schema::new();
    let engine = build(Engine::builder(schema.options())).await;
    let mut program = schema.connect().await;
    for (arguments, code, reason) in [
        (r#"NULL, 'shipping', '{"order": 5}'"#, ErrorCode::InvalidInput, "order"),
        (
            r#"NULL, 'shipping', '{"order": "a"}', '{"ship": {"parcels": 99}}'"#,
            ErrorCode::InvalidConfig,
            "parcels",
        ),
        (r#"'', 'shipping', '{"order": "a"}'"#, ErrorCode::InvalidRequest, "idempotency key"),
        (
            r#"NULL, 'shipping', '{"order": "a"}', NULL, NULL, '[1]'"#,
            ErrorCode::InvalidRequest,
            "cannot be read",
        ),
    ] {
        let id = enqueue(&mut program, &schema, arguments).await;
        let run = engine.run_handle::<Shipping>(id).await.unwrap();
        let error = run.output().await.unwrap_err();
        assert!(error.is_run_failed(), "{arguments}: {error}");
        let stored = run.record().await.unwrap().error.unwrap();
        assert_eq!(stored.code, code.as_str(), "{arguments}");
        assert!(stored.message.contains(reason), "{arguments}: {}", stored.message);
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_run_of_an_unknown_workflow_waits_for_a_process_that_has_it() {
    if !is_available("a_run_of_an_unknown_workflow_waits_for_a_process_that_has_it") {
        return;
    }
    let schema = Schema::new();
    let other = Engine::builder(schema.options()).build().await.unwrap();
    let mut program = schema.connect().await;
    let id = enqueue(&mut program, &schema, r#"NULL, 'shipping', '{"order": "later"}'"#).await;
    let missing = other.run_handle::<Shipping>(id).await.map(|run| run.id()).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::RunNotFound);
    let engine = build(Engine::builder(schema.options())).await;
    shipped("later").await;
    engine.shutdown().await;
    other.shutdown().await;
}
