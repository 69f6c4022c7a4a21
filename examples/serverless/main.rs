//! Processes orders over HTTP without a worker: stages run only inside requests.
//!
//! It simulates functions behind a gateway: each request is one unit of work, and the process could end between two
//! requests. `orders` declares the workflow, `routes` maps requests to the serverless host.
//!
//! ```console
//! $ cargo run --example serverless &
//! $ curl --json '{"customer": "Ada", "items": [{"sku": "tea", "quantity": 2}]}' localhost:8080/orders
//! $ curl -X POST 'localhost:8080/work?max_jobs=4'
//! $ curl localhost:8080/orders/<run_id>
//! ```

mod orders;
mod routes;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use workflow_engine::prelude::*;
use workflow_engine::serverless::ServerlessSettings;

/// Serves orders over HTTP; stages run only inside requests.
#[derive(Parser)]
struct Arguments {
    /// The store: an SQLite file, which is created if it does not exist, or `memory:`.
    #[arg(long, default_value = "orders.db")]
    db: String,
    /// The address to listen on. Port 0 selects a free port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
}

/// The time limit of a request, after which its stages return to the queue: a gateway would have timed out.
const TIME_LIMIT: Duration = Duration::from_secs(25);

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report an error of writing this line.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(Arguments { db, listen }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder(&db).register::<orders::OrderFulfilment>().without_worker().build().await?;
    let host = engine.serverless(ServerlessSettings::default().time_limit(TIME_LIMIT))?;
    let listener =
        tokio::net::TcpListener::bind(&listen).await.map_err(|error| format!("{listen}: {error}"))?;
    writeln!(io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    axum::serve(listener, routes::router(engine.clone(), host)).with_graceful_shutdown(interrupted()).await?;
    engine.shutdown().await;
    Ok(())
}

async fn interrupted() {
    // An error means that signals cannot be watched: shut down at once.
    let _ = tokio::signal::ctrl_c().await;
}
