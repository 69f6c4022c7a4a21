//! Serves the API of an engine with a workflow and some runs: `api STORE ADDRESS TOKEN`.
//!
//! `.ci/schemathesis` runs it; by hand, try `cargo run -p durable-stages-server --example api -- memory: 127.0.0.1:7373
//! a-token-of-your-choice`, then open `http://127.0.0.1:7373/api/v1/openapi.json` with that token.

use std::error::Error;

use workflow_engine::prelude::*;
use workflow_engine_server::{Grant, Server, Token};

/// Doubles a number.
#[stage]
async fn double(number: u32, ctx: &StageContext) -> StageResult<u64> {
    ctx.put_artifact("number", &number)?;
    Ok(u64::from(number) * 2)
}

/// Refuses odd halves.
#[stage]
async fn halve(number: u64) -> StageResult<u64> {
    if !number.is_multiple_of(4) {
        return Err(StageError::permanent("the number is odd"));
    }
    Ok(number / 4)
}

/// Asks another system.
#[stage(check = answered, poll_every = "1h")]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

#[check]
async fn answered(question: &String) -> StageResult<Check<usize>> {
    Ok(Check::Ready(question.len()))
}

workflow! { Halving = double >> halve }
workflow! { Asking = ask }

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, address, token] = arguments.as_slice() else {
        return Err("usage: api STORE ADDRESS TOKEN".into());
    };
    let engine = Engine::builder(store.as_str())
        .register::<Halving>()
        .register::<Asking>()
        .shutdown_on_signals()
        .build()
        .await?;
    for number in 0..20 {
        let run = engine
            .start::<Halving>(DoubleInput { number })
            .tag("parity", ["even", "odd"][number as usize % 2]);
        run.idempotency_key(format!("number-{number}")).await?;
    }
    engine.start::<Asking>(AskInput { question: "Why?".into() }).idempotency_key("why").await?;
    let token = Token::new("operator", Grant::Operate, token)?;
    // The tests log in with wrong tokens, too.
    let server = Server::new(engine).address(address.parse()?).token(token).max_failed_log_ins(100_000);
    server.serve().await?;
    Ok(())
}
