//! Two hundred questions in one batch, and a stage that waits for it: no process has to be there meanwhile.
//!
//! ```console
//! $ cargo run --example ai_batch
//! $ OPENAI_API_KEY=… cargo run --example ai_batch -- --db ratings.db
//! ```
//!
//! The second one may be stopped and started again: the batch is in the file, and is not handed over twice.

#[path = "../openai/mod.rs"]
mod openai;
mod ratings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use workflow_engine::prelude::*;

use ratings::{RateInput, rating};

/// Has a model rate reviews, all in one batch, and shows what that has cost.
#[derive(Parser)]
struct Arguments {
    /// The store: an SQLite file, which is made where there is none, or `memory:`.
    #[arg(long, default_value = "memory:")]
    db: String,
    /// How many reviews.
    #[arg(long, default_value_t = 200)]
    reviews: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    match rate(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where this fails.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn rate(Arguments { db, reviews }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout();
    let client = openai::client(ratings::stand_in).await?;
    let engine = Engine::builder(&db).register::<rating>().ai(client).build().await?;
    // With the same key, a program that is started again goes on with the run that it has.
    let key = format!("{reviews} reviews");
    let run =
        engine.start::<rating>(RateInput { reviews: ratings::reviews(reviews) }).idempotency_key(key).await?;
    writeln!(out, "{reviews} reviews go to {} in one batch, as run {}", openai::MODEL, run.id())?;

    let verdict = run.output().await?;
    for declined in &verdict.declined {
        writeln!(out, "not rated: {declined}")?;
    }
    writeln!(out, "{} are rated, with {:.1} stars on average", verdict.rated, verdict.stars)?;

    // The ledger has a row for each of them.
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
    writeln!(out, "the run has cost {}; {} may still be asked for", costs.cost, costs.reserved)?;
    engine.shutdown().await;
    Ok(())
}
