//! The workflow: an order is priced, then charged and reserved in parallel, then confirmed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The name of the customer.
    pub customer: String,
    /// The ordered items.
    pub items: Vec<Item>,
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The id of the article.
    pub sku: String,
    /// The number of pieces.
    pub quantity: u32,
}

/// An order with its price.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Priced {
    /// The order.
    pub order: Order,
    /// The total price in cents.
    pub total: u64,
}

/// A payment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// The reference of the payment, equal in every attempt, so that the provider charges the customer once.
    pub reference: String,
}

/// The reserved items in the warehouse.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// The number of pieces.
    pub pieces: u32,
}

/// The receipt for the customer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// The receipt as a sentence.
    pub text: String,
    /// The total price in cents.
    pub total: u64,
    /// The reference of the payment.
    pub reference: String,
}

/// The articles, with their prices in cents.
const PRICES: &[(&str, u64)] = &[("coffee", 890), ("cup", 1_250), ("tea", 450)];

/// Adds up the prices of the items.
#[stage]
pub async fn price(order: Order) -> StageResult<Priced> {
    if order.items.is_empty() {
        return Err(StageError::permanent("the order has no items"));
    }
    let mut total: u64 = 0;
    for Item { sku, quantity } in &order.items {
        let price = PRICES.iter().find(|(article, _)| article == sku).map(|(_, price)| price);
        let price = price.ok_or_else(|| StageError::permanent(format!("there is no article `{sku}`")))?;
        total += price * u64::from(*quantity);
    }
    Ok(Priced { order, total })
}

/// Charges the customer.
#[stage]
pub async fn charge(priced: Priced, ctx: &StageContext) -> StageResult<Payment> {
    // With this token a payment provider recognises a duplicate request.
    let reference = ctx.idempotency_token();
    if priced.total > 100_000 {
        return Err(StageError::permanent("the payment was declined: more than 1,000.00"));
    }
    Ok(Payment { reference })
}

/// Reserves the items.
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
    /// Turns an order into its receipt.
    pub OrderFulfilment = price >> [charge, reserve] >> confirm
}
