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

use chrono::NaiveDate;
use futures_util::TryStreamExt;
use workflow_engine::prelude::*;
use workflow_engine::testing::{RunState, TestEngine};
use workflow_engine::{ErrorCode, RunFilter, Status};

use bank::Bank;
use pipeline::{
    Balance, Entry, Invoice, InvoiceIntake, InvoiceIntakeInput, Line, NightlyBalance, Outcome, Verified,
    approve, book, nightly, pay, verify,
};
use tables::Tables;

const DAY: Duration = Duration::from_hours(24);

fn invoice() -> Invoice {
    let lines = [("tea", 1_200), ("cups", 300)];
    let lines = lines.map(|(article, cents)| Line { article: article.into(), cents }).into();
    Invoice { number: "7".into(), supplier: "acme".into(), lines }
}

/// A test engine without a bank: `verify` and `pay` are stubs.
fn engine() -> TestEngine<InvoiceIntake> {
    let mut test = TestEngine::new();
    test.stub::<verify>(Verified { invoice: invoice(), account: "DE02".into(), cents: 1_500 });
    test.stub_with::<pay>(|_, ctx| Ok(format!("receipt {}", ctx.stage_id())));
    test
}

#[tokio::test]
async fn an_approval_after_a_week_is_booked_at_once() {
    let mut test = engine();
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    test.run_until(&run, RunState::is_waiting::<approve>).await;
    test.advance(7 * DAY).await;
    run.signal::<approve>(Approval::yes()).actor("ada").await.unwrap();

    let run = test.finish(&run).await;
    assert_eq!(run.elapsed, 7 * DAY);
    let entry =
        Entry { invoice: "7".into(), supplier: "acme".into(), cents: 1_500, receipt: "receipt pay".into() };
    assert_eq!(run.output.unwrap(), Outcome::Booked(entry));
    assert_eq!(run.outputs.approve, Some(Approval::yes()));
    assert_eq!(run.statements.len(), 1);
}

#[tokio::test]
async fn a_rejection_ends_the_run_without_a_payment() {
    let mut test = engine();
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    run.signal::<approve>(Approval::no().comment("ordered twice")).actor("ada").await.unwrap();
    let run = test.finish(&run).await;
    assert_eq!(run.output.unwrap(), Outcome::Rejected(Some("ordered twice".into())));
    assert_eq!((run.outputs.pay, run.statements.len()), (None, 0));
}

#[tokio::test]
async fn an_invoice_without_a_decision_fails_after_two_weeks() {
    let mut test = engine();
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
    let mut test = engine();
    for attempt in 1..=4 {
        test.fail::<pay>(attempt, "the bank is down");
    }
    let run = test.start(InvoiceIntakeInput { invoice: invoice() }).await;
    run.signal::<approve>(Approval::yes()).await.unwrap();
    let run = test.finish(&run).await;
    assert_eq!(run.attempts::<pay>(), 5);
    assert!(matches!(run.output.unwrap(), Outcome::Booked(Entry { cents: 1_500, .. })));
}

#[tokio::test]
async fn the_ledger_is_added_up_once_in_each_night_of_the_year() {
    let folder = tempfile::tempdir().unwrap();
    let tables = Tables::open(&folder.path().join("tables.db").display().to_string()).await.unwrap();
    sqlx::query("INSERT INTO ledger VALUES ('7', 'acme', 1500, 'receipt')").execute(&tables.0).await.unwrap();
    let mut test = TestEngine::<NightlyBalance>::new();
    test.setup(|builder| builder.schedule(nightly().unwrap())).state(tables);
    let engine = test.engine().await;
    test.advance(365 * DAY).await;

    let runs = RunFilter::new().workflow::<NightlyBalance>().tag("schedule", "nightly-balance");
    let runs: Vec<_> = engine.runs(&runs).stream().try_collect().await.unwrap();
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    assert_eq!(runs.len(), 365);
    for (night, run) in first.iter_days().zip(runs.iter().rev()) {
        let run = engine.run_handle::<NightlyBalance>(run.id).await.unwrap();
        let balance = test.finish(&run).await.output.unwrap();
        assert_eq!(balance, Balance { night: Some(night.to_string()), entries: 1, cents: 1_500 });
    }
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

    pay(&verified, &bank, &ctx).await.expect_err("the bank fails after it has paid");
    let receipt = pay(&verified, &bank, &ctx).await.unwrap();
    book(receipt, &verified, &ctx).await.unwrap();
    assert_eq!(ctx.effects().statements.len(), 1);
}
