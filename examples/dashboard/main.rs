//! A dashboard with lively workflows: orders that fail and wait, documents that models read, nightly reports.
//!
//! ```console
//! $ cargo run --example dashboard
//! ```
//!
//! The program prints an address with a token; open it in a browser. Everything is in memory, and no model is called: a
//! script provides the responses. With a file (`-- shop.db`) the runs stay.

mod documents;
mod orders;
mod reports;
mod traffic;

use std::error::Error;
use std::net::SocketAddr;

use workflow_engine::Engine;
use workflow_engine::ai::AiClient;
use workflow_engine_server::Server;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let store = arguments.next().unwrap_or_else(|| "memory:".into());
    let address: SocketAddr = arguments.next().unwrap_or_else(|| "127.0.0.1:7373".into()).parse()?;
    let models = documents::Models::new();
    let client =
        AiClient::builder().provider(models.openai.clone()).provider(models.google.clone()).build()?;
    let engine = Engine::builder(store.as_str())
        .register::<orders::OrderFulfilment>()
        .register::<documents::DocumentIntake>()
        .register::<reports::NightlyReport>()
        .register::<reports::VideoRendering>()
        .ai(client)
        .state(models)
        .concurrency(24)
        .shutdown_on_signals()
        .build()
        .await?;
    let traffic = tokio::spawn(traffic::generate(engine.clone()));
    Server::new(engine).address(address).serve().await?;
    traffic.abort();
    Ok(())
}
