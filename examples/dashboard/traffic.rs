//! What customers do all day.

#![allow(clippy::disallowed_methods, reason = "a lively program takes real time")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use workflow_engine::{Engine, Error};

use crate::documents::{DocumentIntake, DocumentIntakeInput, Source};
use crate::orders::{Customer, Delivery, Item, Order, OrderFulfilment, Shop};
use crate::reports::chrono_day::Day;
use crate::reports::{NightlyReport, NightlyReportInput, VideoRendering, VideoRenderingInput};

static STATE: AtomicU64 = AtomicU64::new(2_026);

/// Returns a number below `limit` that looks random.
pub fn number(limit: u64) -> u64 {
    let mut next = STATE.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
    next = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    next = (next ^ (next >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (next ^ (next >> 31)) % limit
}

/// Returns `true` once in `times`.
pub fn roll(times: u64) -> bool {
    number(times) == 0
}

/// Takes this many milliseconds.
pub async fn pause(least: u64, most: u64) {
    tokio::time::sleep(Duration::from_millis(least + number(most - least))).await;
}

/// Starts runs, until the program ends.
pub async fn generate(engine: Engine) -> Result<(), Error> {
    for turn in 0.. {
        match number(10) {
            0..5 => order(&engine).await?,
            5..8 => document(&engine).await?,
            8 => report(&engine).await?,
            _ => film(&engine).await?,
        }
        // A few at once, so that the pages have something to show.
        if turn >= 24 {
            pause(900, 4_000).await;
        }
    }
    Ok(())
}

async fn order(engine: &Engine) -> Result<(), Error> {
    let names = ["acme", "globex", "initech", "umbrella", "hooli"];
    let name = names[usize::try_from(number(5)).unwrap_or_default()];
    let delivery = if roll(3) {
        Delivery::Pickup { shop: Shop::OldTown }
    } else {
        Delivery::Courier { street: "Quay 7".into(), city: "Antwerp".into(), express: roll(2) }
    };
    let items = (0..=number(3)).map(|item| Item {
        sku: format!("TEA-{}", 100 + item * 7 + number(7)),
        quantity: 1 + u32::try_from(number(9)).unwrap_or_default(),
        cents: 450 + number(9_000),
    });
    let order = Order {
        number: 7_000 + number(3_000),
        customer: Customer { name: name.into(), email: format!("orders@{name}.example") },
        items: items.collect(),
        delivery,
        note: roll(4).then(|| "Ring twice".into()),
    };
    engine.start::<OrderFulfilment>(order).tag("customer", name).tag("channel", "web").await?;
    Ok(())
}

async fn document(engine: &Engine) -> Result<(), Error> {
    let source = if roll(2) {
        Source::Scan { path: format!("inbox/{:04}.pdf", number(10_000)), pages: 1 }
    } else {
        Source::Mail { from: "ada@example.com".into(), subject: "The analytical engine".into() }
    };
    // Some budgets are too small.
    let budget = if roll(6) { "0.0001 USD" } else { "0.50 USD" };
    let run = engine.start::<DocumentIntake>(DocumentIntakeInput { source }).budget(budget.parse()?);
    run.tag("inbox", if roll(2) { "scanner" } else { "mail" }).await?;
    Ok(())
}

async fn report(engine: &Engine) -> Result<(), Error> {
    engine.start::<NightlyReport>(NightlyReportInput { day: Day(20_788 + number(9)) }).priority(9).await?;
    Ok(())
}

async fn film(engine: &Engine) -> Result<(), Error> {
    let scene =
        ["harbour at dawn", "market square", "night train"][usize::try_from(number(3)).unwrap_or_default()];
    engine
        .start::<VideoRendering>(VideoRenderingInput { scene: scene.into() })
        .tag("client", "studio")
        .await?;
    Ok(())
}
