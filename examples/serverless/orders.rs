//! The workflow: an order is priced, then paid and reserved side by side, then confirmed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// What somebody wants.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Who.
    pub customer: String,
    /// What.
    pub items: Vec<Item>,
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The article.
    pub sku: String,
    /// How many.
    pub quantity: u32,
}

/// An order with its price.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Priced {
    /// The order.
    pub order: Order,
    /// In cents.
    pub total: u64,
}

/// What the payment provider has answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// The same for every attempt, so the provider takes the money once.
    pub reference: String,
}

/// What stands ready in the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// Pieces.
    pub pieces: u32,
}

/// What the customer gets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// In a sentence.
    pub text: String,
    /// In cents.
    pub total: u64,
    /// Of the payment.
    pub reference: String,
}

/// Articles with their prices in cents.
const PRICES: &[(&str, u64)] = &[("coffee", 890), ("cup", 1_250), ("tea", 450)];

/// Adds up what the items cost.
#[stage]
pub async fn price(order: Order) -> StageResult<Priced> {
    if order.items.is_empty() {
        return Err(StageError::permanent("the order has no items"));
    }
    let mut total: u64 = 0;
    for Item { sku, quantity } in &order.items {
        let price = PRICES.iter().find(|(known, _)| known == sku).map(|(_, price)| price);
        let price = price.ok_or_else(|| StageError::permanent(format!("there is no article `{sku}`")))?;
        total += price * u64::from(*quantity);
    }
    Ok(Priced { order, total })
}

/// Takes the money.
#[stage]
pub async fn charge(priced: Priced, ctx: &StageContext) -> StageResult<Payment> {
    // A provider that is handed this token recognises a repetition.
    let reference = ctx.idempotency_token();
    if priced.total > 100_000 {
        return Err(StageError::permanent("the payment was declined: more than 1,000.00"));
    }
    Ok(Payment { reference })
}

/// Puts the items aside.
#[stage]
pub async fn reserve(priced: Priced) -> StageResult<Reservation> {
    Ok(Reservation { pieces: priced.order.items.iter().map(|item| item.quantity).sum() })
}

/// Writes the receipt.
#[stage]
pub async fn confirm(
    payment: Payment,
    reservation: Reservation,
    #[require(price)] priced: &Priced,
) -> StageResult<Receipt> {
    let Priced { order, total } = priced;
    let text = format!(
        "{} pieces for {}, {}.{:02} in all",
        reservation.pieces,
        order.customer,
        total / 100,
        total % 100
    );
    Ok(Receipt { text, total: *total, reference: payment.reference })
}

workflow! {
    /// From an order to its receipt.
    pub OrderFulfilment = price >> [charge, reserve] >> confirm
}
