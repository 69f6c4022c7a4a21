//! Statements without tables: a stage with statements fails on a store in memory, and a test engine records them.

use tests::transfer::{DebitInput, credit, debit, transfer};
use workflow_engine::prelude::*;
use workflow_engine::records::SqlValue;
use workflow_engine::testing::TestEngine;

#[tokio::test]
async fn a_store_in_memory_refuses_statements() {
    let engine = Engine::builder("memory:").register::<transfer>().build().await.unwrap();
    let input = DebitInput { bookings: "bookings".into(), cents: 5 };
    let run = engine.start::<transfer>(input).await.unwrap();
    assert!(run.output().await.is_err());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "STATEMENTS_UNSUPPORTED");
    assert_eq!(
        error.message,
        "stage `debit` failed after 1 attempt: statements need SQLite or PostgreSQL: the in-memory store has no tables"
    );
    engine.shutdown().await;
}

#[tokio::test]
async fn a_test_engine_records_statements_once() {
    let mut test = TestEngine::<transfer>::new();
    test.fail::<debit>(1, "no").crash::<debit>(2).crash::<credit>(1);
    let run = test.run(DebitInput { bookings: "bookings".into(), cents: 5 }).await;
    assert_eq!(run.output.unwrap(), 5);
    let noted: Vec<_> = run
        .statements
        .iter()
        .map(|noted| (&*noted.stage_key.id, noted.statements[0].arguments()[2].clone()))
        .collect();
    assert_eq!(noted, [("debit", SqlValue::Int(-5)), ("credit", SqlValue::Int(5))]);
    assert_eq!(
        run.statements[0].statements[0].sql(),
        "INSERT INTO bookings (run, stage, cents) VALUES ($1, $2, $3)"
    );
}

#[tokio::test]
async fn a_workflow_with_statements_survives_a_crash_at_every_commit() {
    let input = || DebitInput { bookings: "bookings".into(), cents: 5 };
    let points = TestEngine::<transfer>::new().crash_everywhere(input, |cents| assert_eq!(cents, 5)).await;
    assert!(points >= 5, "{points}");
}
