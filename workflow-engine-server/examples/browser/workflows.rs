//! The workflows of the program.

use std::error::Error;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::LogLevel;
use workflow_engine::prelude::*;

/// A parcel, with every kind of field that a form shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Parcel {
    /// A number that needs all of its digits.
    number: u64,
    receiver: Receiver,
    contents: Vec<Content>,
    carrier: Carrier,
    service: Service,
    note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receiver {
    name: String,
    password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Content {
    article: String,
    #[schemars(range(min = 1, max = 9))]
    pieces: u32,
}

/// Who brings it: the variant is a field of the object.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Carrier {
    Bicycle { district: u32 },
    Train { station: String, first_class: bool },
}

/// How it is brought: the variant is the name of the only field.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Service {
    Normal,
    Express { hours: u32 },
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    number: u64,
    pieces: u32,
    carrier: Carrier,
}

/// Weighs the parcel.
#[stage]
pub async fn weigh(parcel: Parcel, ctx: &StageContext) -> StageResult<Receipt> {
    ctx.log(LogLevel::Info, "weighed", json!({ "number": parcel.number }));
    ctx.put_artifact("scale", &parcel.number)?;
    let pieces = parcel.contents.iter().map(|content| content.pieces).sum();
    Ok(Receipt { number: parcel.number, pieces, carrier: parcel.carrier })
}

/// Stamps the parcel, unless it is empty.
#[stage(retry(max_attempts = 2, backoff = fixed, initial = "1ms"))]
pub async fn stamp(
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
pub struct Chain(std::io::Error);

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
pub async fn count(receipt: Receipt) -> StageResult<u32> {
    Ok(receipt.pieces)
}

/// Hands the parcel to its carrier.
#[stage]
pub async fn hand_over(stamped: Receipt, pieces: u32) -> StageResult<Receipt> {
    Ok(Receipt { pieces, ..stamped })
}

workflow! {
    /// Sends a parcel.
    pub Sending(Parcel) = weigh >> [stamp, count] >> hand_over
}

/// Asks someone, who does not answer by themselves.
#[stage(check = answered, poll_every = "1h")]
pub async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

#[check]
pub async fn answered(question: &String) -> StageResult<Check<usize>> {
    Ok(if question == "Never?" { Check::Pending } else { Check::Ready(question.len()) })
}

workflow! {
    /// Waits for an answer.
    pub Asking = ask
}

/// Works for as long as its first worker lives.
#[stage]
pub async fn dig(depth: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.progress(0.5, "half of the hole");
    if ctx.attempt() == 1 {
        ctx.cancellation().cancelled().await;
    }
    Ok(depth)
}

/// Fills the hole again.
#[stage]
pub async fn fill(depth: u32) -> StageResult<u32> {
    Ok(depth)
}

workflow! {
    /// Digs a hole.
    pub Digging = dig >> fill
}

/// Writes this many log lines, and returns this many bytes.
#[stage(timeout = "2m")]
pub async fn write(lines: u32, bytes: usize, ctx: &StageContext) -> StageResult<String> {
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
    pub Writing = write
}

/// Asks a model.
#[stage(over_budget = wait)]
pub async fn think(question: String, ctx: &StageContext) -> StageResult<String> {
    Ok(ctx.ai().generate_text("gemini-2.5-flash", question).max_tokens(100).await?.text)
}

workflow! {
    /// Asks a model.
    pub Thinking = think
}

/// Writes a text.
#[stage]
pub async fn draft(topic: String) -> StageResult<String> {
    Ok(format!("News about {topic}"))
}

/// Asks whether the text may be published.
#[stage(signal = Approval, give_up_after = "7d")]
pub async fn ask_editor(draft: String) -> StageResult<String> {
    Ok(format!("May we publish this?\n\n{draft}"))
}

/// Publishes the text.
#[stage]
pub async fn publish(comment: Option<String>) -> StageResult<String> {
    Ok(format!("published: {}", comment.unwrap_or_default()))
}

/// Keeps the text.
#[stage]
pub async fn archive() -> StageResult<String> {
    Ok("archived".into())
}

workflow! {
    /// Publishes a text if a person agrees.
    pub Publishing = draft >> match ask_editor {
        Self { approved: true, comment } => publish,
        Self { .. } => archive,
    }
}

/// Where a parcel goes that could not be delivered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Redirect {
    /// How it is brought there.
    carrier: Carrier,
    /// The latest day.
    days: u32,
    note: Option<String>,
}

/// Asks where the parcel goes.
#[stage(signal = Redirect, give_up_after = "50m")]
pub async fn ask_receiver(number: u64) -> StageResult<serde_json::Value> {
    Ok(json!({ "parcel": number, "reason": "the door was closed", "password": "secret" }))
}

workflow! {
    /// Asks the receiver where a parcel goes.
    pub Redirecting = ask_receiver
}

/// Starts a run that asks a model, and passes the question on.
#[stage]
pub async fn split(question: String, ctx: &StageContext) -> StageResult<String> {
    ctx.start::<Thinking>(ThinkInput { question: question.clone() }).await?;
    Ok(question)
}

/// Sums the answer up.
#[stage]
pub async fn conclude(length: usize) -> StageResult<String> {
    Ok(format!("{length} bytes"))
}

workflow! {
    /// Asks a model and a person.
    pub Researching = split >> Asking >> conclude
}

/// How a parcel goes down.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Way {
    Lift(u32),
    Slide(u32),
}

/// Chooses the way down.
#[stage]
pub async fn sort(grams: u32) -> StageResult<Way> {
    Ok(if grams > 1_000 { Way::Lift(grams) } else { Way::Slide(grams) })
}

/// Brings heavy parcels down.
#[stage]
pub async fn lift(grams: u32) -> StageResult<u32> {
    Ok(grams)
}

/// Lets light parcels slide down. The first one gets stuck.
#[stage(retry(max_attempts = 1))]
pub async fn slide(grams: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.generation() == 1 {
        return Err(StageError::permanent("the parcel is stuck"));
    }
    Ok(grams)
}

workflow! {
    /// Brings parcels down.
    pub Sorting = match sort {
        Lift(grams) => lift,
        Slide(grams) => slide,
    }
}
