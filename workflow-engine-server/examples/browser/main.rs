//! The program that the tests of the dashboard look at: `browser serve STORE ADDRESS PATH`, `browser watch STORE ADDRESS`
//! for a server that does no work, and `browser worker STORE`.
//!
//! `dashboard/tests` runs it. The server has tokens for each grant, and does no work of the workflow that only the worker
//! has, so that a test can kill the worker.

#![allow(clippy::disallowed_methods, reason = "the stages take real time, which a person would see")]

mod clerk;
mod workflows;

use std::error::Error;
use std::time::Duration;

use workflow_engine::EngineBuilder;
use workflow_engine::ai::{AiClient, ScriptedProvider, Usage};
use workflow_engine::prelude::*;
use workflow_engine_server::{Grant, Server, Token};

use clerk::Clerk;
use workflows::{
    AskInput, Asking, DigInput, Digging, Publishing, Redirecting, Researching, Sending, Sorting, Thinking,
    Writing,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", store, address, path] => {
            let engine = serving(store)?.plugin(Clerk::default()).shutdown_on_signals().build().await?;
            serve(engine, address, path).await
        }
        ["watch", store, address] => serve(serving(store)?.without_worker().build().await?, address, "/").await,
        ["worker", store] => work(store).await,
        ["start", store, workflow, number] => start(store, workflow, number.parse()?).await,
        _ => Err("usage: browser serve STORE ADDRESS PATH | watch STORE ADDRESS | worker STORE | start STORE asking NUMBER".into()),
    }
}

/// The engine of a server.
fn serving(store: &str) -> Result<EngineBuilder, Box<dyn Error>> {
    let mut provider = ScriptedProvider::new("google");
    for _ in 0..100 {
        let usage = Usage { input_tokens: 1_200, cached_input_tokens: 0, output_tokens: 80 };
        provider = provider.text("Because.", usage);
    }
    Ok(Engine::builder(store)
        .register::<Sending>()
        .register::<Asking>()
        .register::<Writing>()
        .register::<Thinking>()
        .register::<Publishing>()
        .register::<Redirecting>()
        .register::<Researching>()
        .register::<Sorting>()
        .ai(AiClient::builder().provider(provider).build()?))
}

async fn serve(engine: Engine, address: &str, path: &str) -> Result<(), Box<dyn Error>> {
    let mut server = Server::new(engine)
        .address(address.parse()?)
        .view("Failed", "status:failed")
        .token(Token::new("reader", Grant::Read, "reader-reader-reader")?)
        .token(Token::new("viewer", Grant::ReadPayloads, "viewer-viewer-viewer")?)
        .token(Token::new("operator", Grant::Operate, "operator-operator-operator")?);
    if path != "/" {
        server = server.public_url(&format!("http://{address}{path}"));
    }
    let server = server.listen().await?;
    println!("http://{}", server.address());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}

async fn work(store: &str) -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder(store)
        .register::<Digging>()
        .lease(Duration::from_secs(2))
        .shutdown_on_signals()
        .build()
        .await?;
    println!("ready");
    engine.wait_for_shutdown().await;
    Ok(())
}

/// Starts many runs, for the tests of actions on many.
async fn start(store: &str, workflow: &str, number: u32) -> Result<(), Box<dyn Error>> {
    let engine =
        Engine::builder(store).register::<Asking>().register::<Digging>().without_worker().build().await?;
    for turn in 0..number {
        if workflow == "asking" {
            engine.start::<Asking>(AskInput { question: "Never?".into() }).tag("batch", "many").await?;
        } else {
            engine.start::<Digging>(DigInput { depth: turn }).await?;
        }
    }
    engine.shutdown().await;
    Ok(())
}
