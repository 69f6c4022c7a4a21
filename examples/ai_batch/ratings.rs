//! The workflow: one stage submits a batch and waits for it, the next adds up the results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::ai::{BatchPrompt, BatchTicket};
use workflow_engine::prelude::*;

use crate::openai::MODEL;

workflow! {
    /// Rates reviews and summarizes the ratings.
    pub RateReviews = rate >> sum_up
}

/// A model's rating of a review.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// From 1 to 5.
    pub stars: u8,
}

/// The ratings of all reviews.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ratings {
    /// The stars of the rated reviews.
    pub stars: Vec<u8>,
    /// The reasons why the other reviews were not rated.
    pub declined: Vec<String>,
}

/// The summary of the ratings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RatingSummary {
    /// The number of rated reviews.
    pub rated: usize,
    /// The average of the stars.
    pub stars: f64,
    /// The reasons why the other reviews were not rated.
    pub declined: Vec<String>,
}

/// Submits all reviews and returns the ticket of the batch. Any worker can check the batch with it later.
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

/// Checks whether the batch has finished. Failed items do not fail the stage; each is listed with its reason.
#[check]
pub async fn rated(ticket: &BatchTicket, ctx: &StageContext) -> StageResult<Check<Ratings>> {
    let batch = ctx.ai().batch(MODEL);
    if !batch.status(ticket).await?.state.is_terminal() {
        return Ok(Check::Pending);
    }
    let mut ratings = Ratings::default();
    for response in batch.results(ticket).await? {
        match response.object::<Rating>() {
            Ok(rating) => ratings.stars.push(rating.stars),
            Err(error) => ratings.declined.push(format!("{}: {error}", response.custom_id)),
        }
    }
    Ok(Check::Ready(ratings))
}

/// Adds up the ratings.
#[stage]
pub async fn sum_up(ratings: Ratings) -> StageResult<RatingSummary> {
    let (rated, sum) =
        (ratings.stars.len(), ratings.stars.iter().map(|stars| f64::from(*stars)).sum::<f64>());
    let count = u32::try_from(rated)?;
    let stars = if count == 0 { 0.0 } else { sum / f64::from(count) };
    Ok(RatingSummary { rated, stars, declined: ratings.declined })
}

/// Returns `count` reviews, some of which have no content.
pub fn reviews(count: u32) -> Vec<String> {
    let judgements = ["It broke on the first day.", "It does what it should.", "I would buy it again!"];
    let review = |number: u32| match number {
        number if number % 50 == 49 => String::from("…"),
        number => format!("Kettle {number}. {}", judgements[number as usize % judgements.len()]),
    };
    (0..count).map(review).collect()
}

/// The response of the local stand-in, which replaces the provider if there is no API key.
pub fn stand_in(review: &str, _schema: Option<&str>) -> Option<String> {
    let stars = match review.rsplit_once(". ")?.1 {
        judgement if judgement.starts_with("It broke") => 1,
        judgement if judgement.ends_with('!') => 5,
        _ => 3,
    };
    serde_json::to_string(&Rating { stars }).ok()
}
