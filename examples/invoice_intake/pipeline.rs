//! The workflows: an invoice is verified, waits for its approval, is paid and booked; each night, the ledger is added up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;
use workflow_engine::{Error, LogLevel, Schedule, Statement};

use crate::bank::Bank;
use crate::tables::Tables;

/// An invoice as a supplier sends it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Invoice {
    #[schemars(length(min = 1, max = 64))]
    pub number: String,
    #[schemars(length(min = 1, max = 64))]
    pub supplier: String,
    #[schemars(length(min = 1, max = 100))]
    pub lines: Vec<Line>,
}

/// One line of an invoice.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    pub article: String,
    #[schemars(range(min = 1, max = 100_000_000))]
    pub cents: i64,
}

/// A verified invoice: the bank's account and the sum.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    pub invoice: Invoice,
    pub account: String,
    pub cents: i64,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, sqlx::FromRow)]
pub struct Entry {
    pub invoice: String,
    pub supplier: String,
    pub cents: i64,
    pub receipt: String,
}

/// What became of an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is paid, and this is its row of the ledger.
    Booked(Entry),
    /// A person has rejected it, for this reason.
    Rejected(Option<String>),
}

/// Looks the supplier up and adds up the lines.
#[stage(retry(max_attempts = 5, initial = "250ms"), timeout = "10s")]
pub async fn verify(invoice: Invoice, #[state] bank: &Bank, ctx: &StageContext) -> StageResult<Verified> {
    let account = bank.account(&invoice.supplier).await?;
    ctx.progress(0.5, "the supplier is known");
    let mut cents = 0;
    for line in &invoice.lines {
        cents += line.cents;
        ctx.log(LogLevel::Info, format!("line of {} cents", line.cents), line);
    }
    Ok(Verified { invoice, account, cents })
}

/// Asks a person. The answer is the output of the stage: it comes from the inbox of the dashboard or over HTTP.
#[stage(signal = Approval, give_up_after = "14d")]
pub async fn approve(verified: Verified) -> StageResult<String> {
    let Verified { invoice: Invoice { number, supplier, .. }, account, cents } = verified;
    let (euros, cents) = (cents / 100, cents % 100);
    Ok(format!(
        "May we pay {euros}.{cents:02} € to {supplier} for invoice {number}?\nTo the account {account}."
    ))
}

/// Pays the supplier: once, although the bank may fail after it has paid, because it knows the token of the first attempt.
#[stage(retry(max_attempts = 5, initial = "250ms"), timeout = "10s")]
pub async fn pay(
    #[require(verify)] verified: &Verified,
    #[state] bank: &Bank,
    ctx: &StageContext,
) -> StageResult<String> {
    bank.pay(&ctx.idempotency_token(), &verified.account, verified.cents).await
}

/// Books the payment. The row commits with the stage: exactly once, or not at all.
#[stage]
pub async fn book(
    receipt: String,
    #[require(verify)] verified: &Verified,
    ctx: &StageContext,
) -> StageResult<Outcome> {
    let Invoice { number, supplier, .. } = verified.invoice.clone();
    let entry = Entry { invoice: number, supplier, cents: verified.cents, receipt };
    ctx.transaction().execute(
        Statement::new("INSERT INTO ledger (invoice, supplier, cents, receipt) VALUES ($1, $2, $3, $4)")
            .bind(&entry.invoice)
            .bind(&entry.supplier)
            .bind(entry.cents)
            .bind(&entry.receipt)
            .without_retry(),
    )?;
    Ok(Outcome::Booked(entry))
}

/// Keeps why an invoice is not paid.
#[stage]
pub async fn reject(comment: Option<String>) -> StageResult<Outcome> {
    Ok(Outcome::Rejected(comment))
}

workflow! {
    /// Takes an invoice in, from its verification to the ledger.
    pub InvoiceIntake = verify >> match approve {
        Self { approved: true, .. } => pay >> book,
        Self { comment, .. } => reject,
    }
}

/// The ledger in the morning after a night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    pub night: Option<String>,
    pub entries: usize,
    pub cents: i64,
}

/// Adds up the ledger.
#[stage(retry(max_attempts = 5))]
pub async fn balance(#[state] tables: &Tables, ctx: &StageContext) -> StageResult<Balance> {
    let ledger = tables.ledger().await?;
    let night = ctx.scheduled_for().map(|tick| tick.date_naive().to_string());
    Ok(Balance { night, entries: ledger.len(), cents: ledger.iter().map(|entry| entry.cents).sum() })
}

workflow! { pub NightlyBalance = balance }

/// Returns the schedule of the balance: at two o'clock in Berlin, once in each night of the year.
pub fn nightly() -> Result<Schedule, Error> {
    let nightly = Schedule::cron("nightly-balance", "0 2 * * *").zone("Europe/Berlin");
    nightly.start::<NightlyBalance>(NightlyBalanceInput {})
}
