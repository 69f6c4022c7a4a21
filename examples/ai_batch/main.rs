//! Sends two hundred prompts in one batch, and a stage waits for the results. No process needs to run meanwhile.
//!
//! ```console
//! $ cargo run --example ai_batch
//! $ OPENAI_API_KEY=… cargo run --example ai_batch -- --db ratings.db
//! ```
//!
//! The second command can be stopped and started again: its database records the batch, which is not submitted twice.

#[path = "../openai/mod.rs"]
mod openai;
mod ratings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use workflow_engine::prelude::*;

use ratings::{RateInput, RateReviews};

/// Lets a model rate reviews in one batch, and shows the cost.
#[derive(Parser)]
struct Arguments {
    /// The store: an SQLite file, which is created if it does not exist, or `memory:`.
    #[arg(long, default_value = "memory:")]
    db: String,
    /// The number of reviews.
    #[arg(long, default_value_t = 200)]
    reviews: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match rate(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report an error of writing this line.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn rate(Arguments { db, reviews }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout();
    let client = openai::client(ratings::stand_in).await?;
    let engine = Engine::builder(&db).register::<RateReviews>().ai(client).build().await?;
    // With the same key, a restarted program continues the existing run.
    let key = format!("{reviews} reviews");
    let run = engine
        .start::<RateReviews>(RateInput { reviews: ratings::reviews(reviews) })
        .idempotency_key(key)
        .await?;
    writeln!(out, "sending {reviews} reviews to {} in one batch, as run {}", openai::MODEL, run.id())?;

    let summary = run.output().await?;
    for declined in &summary.declined {
        writeln!(out, "not rated: {declined}")?;
    }
    writeln!(out, "{} rated, with {:.1} stars on average", summary.rated, summary.stars)?;

    // The ledger has a row for each call.
    let statistics = engine.call_statistics(&format!("workflow.{}", run.id())).await?;
    writeln!(out, "\nmodel          calls  settled  failed  unknown  tokens  cost")?;
    for (model, sums) in &statistics.by_model {
        let tokens = sums.input_tokens + sums.output_tokens;
        writeln!(
            out,
            "{model:<13} {:>6} {:>8} {:>7} {:>8} {tokens:>7}  {}",
            sums.calls, sums.settled, sums.failed, sums.unknown, sums.cost
        )?;
    }
    let costs = run.cost_summary().await?;
    writeln!(out, "the run cost {}; calls still pending may cost {}", costs.cost, costs.reserved)?;
    engine.shutdown().await;
    Ok(())
}
