//! An invoice service: it takes invoices in over HTTP, and lets each of them be verified, approved, paid and booked.
//!
//! `pipeline` declares the workflow, `routes` maps requests to the engine, `tables` are the program's own, and `bank` is a
//! remote service that often fails. `README.md` beside this file is a walk through it.
//!
//! ```console
//! $ cargo run --example invoice_intake
//! ```

mod bank;
mod pipeline;
mod routes;
mod tables;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use workflow_engine::prelude::*;

use bank::Bank;
use pipeline::InvoiceIntake;
use tables::Tables;

/// Takes invoices in over HTTP.
#[derive(Parser)]
struct Arguments {
    /// The database: an SQLite file, which is created if it does not exist, or `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", default_value = "invoices.db")]
    db: String,
    /// The address to listen on. Port 0 selects a free port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = serve(Arguments::parse()).await else { return ExitCode::SUCCESS };
    // There is no other place to report an error of writing this line.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

/// Serves requests until a signal stops the engine.
async fn serve(Arguments { db, listen }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let tables = Tables::open(&db).await?;
    let bank = Bank::start(tables.clone()).await?;
    let builder = Engine::builder(&db).register::<InvoiceIntake>().state(tables.clone()).state(bank);
    let engine = builder.shutdown_on_signals().build().await?;
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let app = routes::App { engine: engine.clone(), tables };
    let stopped = async move { engine.wait_for_shutdown().await };
    axum::serve(listener, routes::router(app)).with_graceful_shutdown(stopped).await?;
    Ok(())
}
