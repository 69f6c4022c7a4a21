//! The workflow: a stage that hands a batch over and waits for it, and one that adds up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::ai::{BatchPrompt, BatchTicket};
use workflow_engine::prelude::*;

use crate::openai::MODEL;

workflow! {
    /// From reviews to a verdict.
    pub rating = rate >> sum_up
}

/// What a model makes of a review.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// From 1 to 5.
    pub stars: u8,
}

/// What became of the reviews.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ratings {
    /// Of those that were rated.
    pub stars: Vec<u8>,
    /// Why others were not.
    pub declined: Vec<String>,
}

/// All of them in short.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CheckOutcome {
    /// How many reviews were rated.
    pub rated: usize,
    /// On average.
    pub stars: f64,
    /// Why others were not.
    pub declined: Vec<String>,
}

/// Hands all reviews over, and returns the ticket: whoever is there when the batch is over asks with it.
#[stage(check = rated, poll_every = "500ms", give_up_after = "24h", budget = "1.00 USD")]
pub async fn rate(reviews: Vec<String>, ctx: &StageContext) -> StageResult<BatchTicket> {
    let items = reviews.into_iter().enumerate().map(|(number, review)| {
        BatchPrompt::new(format!("review-{number}"), review)
            .instructions("How many stars does this review give?")
            .schema::<Rating>()
            .max_tokens(200)
    });
    Ok(ctx.ai().batch(MODEL).submit(items).await?)
}

/// Asks whether the batch is over. One that failed item by item is not a failed stage: each says why.
#[check]
pub async fn rated(ticket: &BatchTicket, ctx: &StageContext) -> StageResult<Check<Ratings>> {
    let batch = ctx.ai().batch(MODEL);
    if !batch.status(ticket).await?.state.is_terminal() {
        return Ok(Check::Pending);
    }
    let mut ratings = Ratings::default();
    for answer in batch.results(ticket).await? {
        match answer.object::<Rating>() {
            Ok(rating) => ratings.stars.push(rating.stars),
            Err(error) => ratings.declined.push(format!("{}: {error}", answer.custom_id)),
        }
    }
    Ok(Check::Ready(ratings))
}

/// Adds up what came back.
#[stage]
pub async fn sum_up(ratings: Ratings) -> StageResult<CheckOutcome> {
    let (rated, sum) =
        (ratings.stars.len(), ratings.stars.iter().map(|stars| f64::from(*stars)).sum::<f64>());
    let count = u32::try_from(rated)?;
    let stars = if count == 0 { 0.0 } else { sum / f64::from(count) };
    Ok(CheckOutcome { rated, stars, declined: ratings.declined })
}

/// So many reviews, of which some are no reviews.
pub fn reviews(count: u32) -> Vec<String> {
    let judgements = ["It broke on the first day.", "It does what it should.", "I would buy it again!"];
    let review = |number: u32| match number {
        number if number % 50 == 49 => String::from("…"),
        number => format!("Kettle {number}. {}", judgements[number as usize % judgements.len()]),
    };
    (0..count).map(review).collect()
}

/// What is answered where there is no key.
pub fn stand_in(review: &str, _schema: Option<&str>) -> Option<String> {
    let stars = match review.rsplit_once(". ")?.1 {
        judgement if judgement.starts_with("It broke") => 1,
        judgement if judgement.ends_with('!') => 5,
        _ => 3,
    };
    serde_json::to_string(&Rating { stars }).ok()
}
