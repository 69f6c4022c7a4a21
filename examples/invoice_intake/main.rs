//! An invoice service: it takes invoices in over HTTP, and lets each of them be verified, approved, paid and booked.
//! `README.md` beside this file is a walk through it.

mod bank;
mod pipeline;
mod routes;
mod tables;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use workflow_engine::prelude::*;
use workflow_engine_server::{Grant, Server, Token};

use bank::Bank;
use pipeline::{InvoiceIntake, NightlyBalance};
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
    /// The token of the dashboard, 16 bytes or more. Without one, the dashboard is open to the programs of this machine.
    #[arg(long, env = "DASHBOARD_TOKEN")]
    token: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = serve(Arguments::parse()).await else { return ExitCode::SUCCESS };
    // There is no other place to report an error of writing this line.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

/// Serves requests until a signal stops the engine.
async fn serve(Arguments { db, listen, token }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let tables = Tables::open(&db).await?;
    let bank = Bank::start(tables.clone()).await?;
    let builder = Engine::builder(&db).register::<InvoiceIntake>().register::<NightlyBalance>();
    let builder = builder.schedule(pipeline::nightly()?).state(bank).state(tables.clone());
    let engine = builder.shutdown_on_signals().build().await?;
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    let address = listener.local_addr()?;
    let server = Server::new(engine.clone());
    let server = match token {
        Some(secret) => server.token(Token::new("operator", Grant::Operate, &secret)?),
        None if address.ip().is_loopback() => server.open(),
        None => return Err("other machines reach this address, so the dashboard needs `--token`".into()),
    };
    let app = routes::App { engine: engine.clone(), tables };
    let router = routes::router(app, server.service()?);
    writeln!(io::stdout(), "listening on http://{address}\nthe dashboard is on http://{address}/ops/")?;
    let stopped = async move { engine.wait_for_shutdown().await };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await?;
    Ok(())
}
