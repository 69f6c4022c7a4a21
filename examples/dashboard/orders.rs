//! Orders: three checks side by side, a bank that is sometimes slow, and a parcel that takes its time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::LogLevel;
use workflow_engine::prelude::*;

use crate::traffic::{pause, roll};

workflow! {
    /// Takes an order from its payment to the customer's door.
    pub OrderFulfilment(Order) = validate >> [reserve_stock, charge_card, score_fraud] >> pack >> ship >> notify
}

/// An order of the shop.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The number that the customer sees.
    pub number: u64,
    /// Who ordered.
    pub customer: Customer,
    /// What was ordered.
    pub items: Vec<Item>,
    /// How the parcel reaches the customer.
    pub delivery: Delivery,
    /// A wish of the customer.
    pub note: Option<String>,
}

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Customer {
    pub name: String,
    pub email: String,
}

/// A line of an order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The article.
    pub sku: String,
    #[schemars(range(min = 1, max = 100))]
    pub quantity: u32,
    /// The price of one, in cents.
    pub cents: u64,
}

/// How a parcel reaches its customer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Delivery {
    /// A courier brings it.
    Courier { street: String, city: String, express: bool },
    /// The customer fetches it in a shop.
    Pickup { shop: Shop },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shop {
    Harbour,
    OldTown,
    Airport,
}

/// An order that can be paid.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ValidOrder {
    pub number: u64,
    pub total_cents: u64,
    pub email: String,
    pub parcels: u32,
}

/// Checks the order and adds up its total.
#[stage]
pub async fn validate(order: Order, ctx: &StageContext) -> StageResult<ValidOrder> {
    let total_cents = order.items.iter().map(|item| item.cents * u64::from(item.quantity)).sum();
    let fields = json!({ "items": order.items.len(), "total_cents": total_cents });
    ctx.log(LogLevel::Info, "the order is complete", fields);
    if order.items.is_empty() {
        return Err(StageError::permanent("the order has no items"));
    }
    Ok(ValidOrder { number: order.number, total_cents, email: order.customer.email, parcels: 1 })
}

/// Reserves the articles in the warehouse.
#[stage(retry(max_attempts = 5, initial = "1s"))]
pub async fn reserve_stock(order: ValidOrder, ctx: &StageContext) -> StageResult<u32> {
    ctx.log(LogLevel::Info, "asking the warehouse", json!({ "order": order.number }));
    pause(400, 1_800).await;
    if roll(8) {
        return Err(StageError::retryable("the warehouse is counting its stock"));
    }
    Ok(order.parcels)
}

/// The receipt of a payment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The bank's number of the payment, which needs all of its digits.
    pub payment: u64,
    pub cents: u64,
}

/// What the bank answers in place of a receipt.
#[derive(Debug)]
struct BankError {
    source: std::io::Error,
}

impl std::fmt::Display for BankError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the payment was not confirmed")
    }
}

impl std::error::Error for BankError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Charges the customer's card.
#[stage(retry(max_attempts = 4, initial = "2s", max = "20s"), timeout = "20s")]
pub async fn charge_card(order: ValidOrder, ctx: &StageContext) -> StageResult<Receipt> {
    ctx.log(
        LogLevel::Info,
        "asking the bank",
        json!({ "cents": order.total_cents, "attempt": ctx.attempt() }),
    );
    pause(600, 2_600).await;
    if order.total_cents > 60_000 {
        ctx.log(LogLevel::Error, "the bank declined the card", json!({ "code": "51" }));
        return Err(StageError::permanent("the card was declined: insufficient funds"));
    }
    if roll(4) {
        ctx.log(LogLevel::Warn, "the bank did not answer", json!({ "timeout_ms": 2_500 }));
        let source =
            std::io::Error::new(std::io::ErrorKind::TimedOut, "bank.example did not answer in 2.5 s");
        Err(BankError { source })?;
    }
    Ok(Receipt { payment: 9_007_199_254_740_993 + order.number, cents: order.total_cents })
}

/// Estimates whether the order is a fraud.
#[stage]
pub async fn score_fraud(
    order: ValidOrder,
    #[config(default = 0.8)] threshold: f64,
    ctx: &StageContext,
) -> StageResult<f64> {
    pause(200, 900).await;
    let score = f64::from(u32::try_from(order.total_cents % 80).unwrap_or_default()) / 100.0;
    ctx.log(LogLevel::Debug, "scored", json!({ "score": score, "threshold": threshold }));
    Ok(score)
}

/// Packs the parcels.
#[stage]
pub async fn pack(parcels: u32, receipt: Receipt, fraud: f64, ctx: &StageContext) -> StageResult<u64> {
    for step in 1..=4 {
        ctx.progress(f64::from(step) / 4.0, "packing");
        pause(300, 700).await;
    }
    let _ = fraud;
    Ok(receipt.payment + u64::from(parcels))
}

/// Gives the parcel to the carrier, and waits until it arrives.
#[stage(check = delivered, poll_every = "8s", give_up_after = "14d")]
pub async fn ship(parcel: u64) -> StageResult<u64> {
    Ok(parcel)
}

#[check]
pub async fn delivered(parcel: &u64, ctx: &StageContext) -> StageResult<Check<String>> {
    if roll(2) {
        ctx.log(LogLevel::Info, "the parcel is on its way", ());
        return Ok(Check::Pending);
    }
    Ok(Check::Ready(format!("parcel {parcel} is at the door")))
}

/// Tells the customer.
#[stage]
pub async fn notify(
    message: String,
    #[require(validate)] order: &ValidOrder,
    #[require(charge_card)] receipt: &Receipt,
) -> StageResult<String> {
    Ok(format!("{}: {message}; charged {} cents", order.email, receipt.cents))
}
