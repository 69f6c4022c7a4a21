//! The program that the tests of the dashboard look at: `browser serve STORE ADDRESS` and `browser worker STORE`.
//!
//! `dashboard/tests` runs it. The server has tokens for each grant, and does no work of the workflow that only the worker
//! has, so that a test can kill the worker.

#![allow(clippy::disallowed_methods, reason = "the stages take real time, which a person would see")]

use std::error::Error;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::LogLevel;
use workflow_engine::ai::{AiClient, ScriptedProvider, Usage};
use workflow_engine::prelude::*;
use workflow_engine_server::{Grant, Server, Token};

/// A parcel, with every kind of field that a form shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Parcel {
    /// A number that needs all of its digits.
    number: u64,
    receiver: Receiver,
    contents: Vec<Content>,
    carrier: Carrier,
    service: Service,
    note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Receiver {
    name: String,
    password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Content {
    article: String,
    #[schemars(range(min = 1, max = 9))]
    pieces: u32,
}

/// Who brings it: the variant is a field of the object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Carrier {
    Bicycle { district: u32 },
    Train { station: String, first_class: bool },
}

/// How it is brought: the variant is the name of the only field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
enum Service {
    Normal,
    Express { hours: u32 },
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Receipt {
    number: u64,
    pieces: u32,
    carrier: Carrier,
}

/// Weighs the parcel.
#[stage]
async fn weigh(parcel: Parcel, ctx: &StageContext) -> StageResult<Receipt> {
    ctx.log(LogLevel::Info, "weighed", json!({ "number": parcel.number }));
    ctx.put_artifact("scale", &parcel.number)?;
    let pieces = parcel.contents.iter().map(|content| content.pieces).sum();
    Ok(Receipt { number: parcel.number, pieces, carrier: parcel.carrier })
}

/// Stamps the parcel, unless it is empty.
#[stage(retry(max_attempts = 2, backoff = fixed, initial = "1ms"))]
async fn stamp(
    receipt: Receipt,
    #[config(default = 3)] stamps: u32,
    ctx: &StageContext,
) -> StageResult<Receipt> {
    if receipt.pieces == 0 {
        ctx.log(LogLevel::Error, "there is nothing to stamp", ());
        let cause = std::io::Error::other("the scale shows 0 g");
        return Err(StageError::from(std::io::Error::other(Chain(cause))));
    }
    ctx.log(LogLevel::Debug, "stamped", json!({ "stamps": stamps }));
    Ok(receipt)
}

/// An error with a cause.
#[derive(Debug)]
struct Chain(std::io::Error);

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the parcel is empty")
    }
}

impl Error for Chain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Counts the pieces.
#[stage]
async fn count(receipt: Receipt) -> StageResult<u32> {
    Ok(receipt.pieces)
}

/// Hands the parcel to its carrier.
#[stage]
async fn hand_over(stamped: Receipt, pieces: u32) -> StageResult<Receipt> {
    Ok(Receipt { pieces, ..stamped })
}

workflow! {
    /// Sends a parcel.
    Sending(Parcel) = weigh >> [stamp, count] >> hand_over
}

/// Asks someone, who does not answer by themselves.
#[stage(check = answered, poll_every = "1h")]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

#[check]
async fn answered(question: &String) -> StageResult<Check<usize>> {
    Ok(if question == "Never?" { Check::Pending } else { Check::Ready(question.len()) })
}

workflow! {
    /// Waits for an answer.
    Asking = ask
}

/// Works for as long as its first worker lives.
#[stage]
async fn dig(depth: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.progress(0.5, "half of the hole");
    if ctx.attempt() == 1 {
        ctx.cancellation().cancelled().await;
    }
    Ok(depth)
}

/// Fills the hole again.
#[stage]
async fn fill(depth: u32) -> StageResult<u32> {
    Ok(depth)
}

workflow! {
    /// Digs a hole.
    Digging = dig >> fill
}

/// Writes this many log lines, and returns this many bytes.
#[stage(timeout = "2m")]
async fn write(lines: u32, bytes: usize, ctx: &StageContext) -> StageResult<String> {
    for line in 0..lines {
        ctx.log(LogLevel::Info, "line", json!({ "number": line }));
        if line % 2_000 == 1_999 {
            // The store takes them before the next ones come.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok("x".repeat(bytes))
}

workflow! {
    /// Writes much.
    Writing = write
}

/// Asks a model.
#[stage(over_budget = wait)]
async fn think(question: String, ctx: &StageContext) -> StageResult<String> {
    Ok(ctx.ai().generate_text("gemini-2.5-flash", question).max_tokens(100).await?.text)
}

workflow! {
    /// Asks a model.
    Thinking = think
}

/// Writes a text.
#[stage]
async fn draft(topic: String) -> StageResult<String> {
    Ok(format!("News about {topic}"))
}

/// Asks whether the text may be published.
#[stage(signal = Approval, give_up_after = "7d")]
async fn ask_editor(draft: String) -> StageResult<String> {
    Ok(format!("May we publish this?\n\n{draft}"))
}

/// Publishes the text.
#[stage]
async fn publish(comment: Option<String>) -> StageResult<String> {
    Ok(format!("published: {}", comment.unwrap_or_default()))
}

/// Keeps the text.
#[stage]
async fn archive() -> StageResult<String> {
    Ok("archived".into())
}

workflow! {
    /// Publishes a text if a person agrees.
    Publishing = draft >> match ask_editor {
        Self { approved: true, comment } => publish,
        Self { .. } => archive,
    }
}

/// Where a parcel goes that could not be delivered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Redirect {
    /// How it is brought there.
    carrier: Carrier,
    /// The latest day.
    days: u32,
    note: Option<String>,
}

/// Asks where the parcel goes.
#[stage(signal = Redirect, give_up_after = "50m")]
async fn ask_receiver(number: u64) -> StageResult<serde_json::Value> {
    Ok(json!({ "parcel": number, "reason": "the door was closed", "password": "secret" }))
}

workflow! {
    /// Asks the receiver where a parcel goes.
    Redirecting = ask_receiver
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", store, address, path] => serve(store, address, path).await,
        ["worker", store] => work(store).await,
        ["start", store, workflow, number] => start(store, workflow, number.parse()?).await,
        _ => Err("usage: browser serve STORE ADDRESS PATH | worker STORE | start STORE asking NUMBER".into()),
    }
}

async fn serve(store: &str, address: &str, path: &str) -> Result<(), Box<dyn Error>> {
    let mut provider = ScriptedProvider::new("google");
    for _ in 0..100 {
        let usage = Usage { input_tokens: 1_200, cached_input_tokens: 0, output_tokens: 80 };
        provider = provider.text("Because.", usage);
    }
    let engine = Engine::builder(store)
        .register::<Sending>()
        .register::<Asking>()
        .register::<Writing>()
        .register::<Thinking>()
        .register::<Publishing>()
        .register::<Redirecting>()
        .ai(AiClient::builder().provider(provider).build()?)
        .shutdown_on_signals()
        .build()
        .await?;
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
