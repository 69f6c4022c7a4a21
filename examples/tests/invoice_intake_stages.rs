//! The workflow of the example `invoice_intake`, in virtual time, without its bank.
//!
//! Cargo builds an example either as a program or as a test, so this file compiles its modules a second time.
#![allow(dead_code, reason = "these tests do not use all that the program uses")]

#[path = "../invoice_intake/bank.rs"]
mod bank;
#[path = "../invoice_intake/pipeline.rs"]
mod pipeline;
#[path = "../invoice_intake/tables.rs"]
mod tables;

use std::time::Duration;

use workflow_engine::prelude::*;
use workflow_engine::testing::{RunState, TestEngine};
use workflow_engine::{ErrorCode, Status};

use bank::Bank;
use pipeline::{
    Entry, Invoice, InvoiceIntake, InvoiceIntakeInput, Line, Verified, approve, book, pay, verify,
};
use tables::{Decision, Tables};

const DAY: Duration = Duration::from_hours(24);

fn invoice() -> Invoice {
    let lines = [("tea", 1_200), ("cups", 300)];
    let lines = lines.map(|(article, cents)| Line { article: article.into(), cents }).into();
    Invoice { number: "7".into(), supplier: "acme".into(), lines }
}

/// A test engine without a bank: `verify` and `pay` are stubs. The decisions are in a real table.
async fn engine() -> (TestEngine<InvoiceIntake>, Tables, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let tables = Tables::open(&folder.path().join("tables.db").display().to_string()).await.unwrap();
    let mut test = TestEngine::new();
    test.state(tables.clone());
    test.stub::<verify>(Verified { invoice: invoice(), account: "DE02".into(), cents: 1_500 });
    test.stub_with::<pay>(|_, ctx| Ok(format!("receipt {}", ctx.stage_id())));
    (test, tables, folder)
}

#[tokio::test]
async fn an_approval_after_a_week_is_booked_at_once() {
    let (mut test, tables, _folder) = engine().await;
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    test.run_until(&run, RunState::is_waiting::<approve>).await;
    test.advance(7 * DAY).await;
    assert!(tables.decide(run.id(), 1, &Decision { approved: true, actor: "ada".into() }).await.unwrap());
    assert!(run.wake::<approve>().await.unwrap());

    let run = test.finish(&run).await;
    assert_eq!(run.elapsed, 7 * DAY);
    let entry =
        Entry { invoice: "7".into(), supplier: "acme".into(), cents: 1_500, receipt: "receipt pay".into() };
    assert_eq!(run.output.unwrap(), entry);
    assert_eq!(run.outputs.approve.as_deref(), Some("ada"));
    assert_eq!(run.statements.len(), 1);
}

#[tokio::test]
async fn a_rejection_fails_the_run() {
    let (mut test, tables, _folder) = engine().await;
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    tables.decide(run.id(), 1, &Decision { approved: false, actor: "ada".into() }).await.unwrap();
    let run = test.finish(&run).await;
    assert!(run.output.unwrap_err().to_string().contains("ada has rejected the invoice"));
    assert!(run.statements.is_empty());
}

#[tokio::test]
async fn an_invoice_without_a_decision_fails_after_two_weeks() {
    let (mut test, _tables, _folder) = engine().await;
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    assert_eq!(test.finish(&run).await.elapsed, 14 * DAY);
    let record = run.record().await.unwrap();
    assert_eq!(
        (record.status, record.error.unwrap().code.as_str()),
        (Status::Failed, ErrorCode::WaitTimedOut.as_str())
    );
}

#[tokio::test]
async fn the_bank_may_fail_four_times() {
    let (mut test, tables, _folder) = engine().await;
    for attempt in 1..=4 {
        test.fail::<pay>(attempt, "the bank is down");
    }
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    tables.decide(run.id(), 1, &Decision { approved: true, actor: "ada".into() }).await.unwrap();
    let run = test.finish(&run).await;
    assert_eq!(run.attempts::<pay>(), 5);
    assert_eq!(run.output.unwrap().cents, 1_500);
}

#[tokio::test]
async fn stages_are_functions() {
    let folder = tempfile::tempdir().unwrap();
    let tables = Tables::open(&folder.path().join("tables.db").display().to_string()).await.unwrap();
    let bank = Bank::start(tables).await.unwrap();
    let ctx = StageContext::detached();
    verify(invoice(), &bank, &ctx).await.expect_err("the bank refuses the first request");
    let verified = verify(invoice(), &bank, &ctx).await.unwrap();
    assert_eq!(verified.cents, 1_500);

    pay("ada".into(), &verified, &bank, &ctx).await.expect_err("the bank fails after it has paid");
    let receipt = pay("ada".into(), &verified, &bank, &ctx).await.unwrap();
    book(receipt, &verified, &ctx).await.unwrap();
    assert_eq!(ctx.effects().statements.len(), 1);
}
