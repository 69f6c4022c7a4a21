//! What a call can cost at most, before it is made.
//!
//! Nobody here has the tokenizers. But a token is at least one byte of text, so the bytes of what is sent bound its
//! tokens; and a prompt that is longer than the model's context is refused, and costs nothing. What does not show in the
//! bytes has an allowance, which is no bound: media, and what a provider adds for tools and schemas.

use serde::Serialize;

use crate::ai::message::{Media, Message, Part};
use crate::ai::model::ModelConfig;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::Usage;
use crate::value::Cost;

/// For the frame that a provider puts around each request.
const FRAME: u64 = 64;
/// For what a provider says to the model about tools or a schema, once a request.
const INSTRUCTIONS: u64 = 1_024;
/// For one picture, or the least of another medium. A large one is 1,500 to 5,000 tokens with most models.
const MEDIA: u64 = 5_000;
/// Sound and moving pictures have fewer tokens than their base64 has groups of so many characters, down to 30 kbit/s.
const PER_TOKEN: u64 = 16;
/// The longest answer of a model that does not say how long its answers are; no model's are longer today.
const LONGEST: u64 = 131_072;

/// The most that this request can cost.
pub(in crate::ai) fn worst_of_generation(request: &GenerateRequest, batch: bool) -> Cost {
    let model = &request.model;
    let mut input = FRAME + text_of(&request.instructions) + text_of(&request.provider_options);
    if !request.tools.is_empty() || request.schema.is_some() {
        input += INSTRUCTIONS + text_of(&request.tools) + text_of(&request.schema);
    }
    input += request.messages.iter().map(message).fold(0, u64::saturating_add);
    let known = [model.max_completion_tokens, model.context_length].into_iter().flatten().min();
    let output = request.max_tokens.or(known).map_or(LONGEST, u64::from);
    cost(model, input, output, batch)
}

/// The same of a request for vectors.
pub(in crate::ai) fn worst_of_embedding(request: &EmbedRequest) -> Cost {
    // The context is that of one text here.
    let input = request.texts.iter().map(|text| capped(&request.model, FRAME + length(text.len())));
    let usage = Usage { input_tokens: input.fold(0, u64::saturating_add), ..Usage::default() };
    request.model.cost(&usage, false)
}

fn cost(model: &ModelConfig, input: u64, output: u64, batch: bool) -> Cost {
    let usage = Usage { input_tokens: capped(model, input), cached_input_tokens: 0, output_tokens: output };
    // A price for what is in the cache that is higher than the usual one would be a mistake, but not one to pay for.
    let cached = Usage { cached_input_tokens: usage.input_tokens, ..usage };
    model.cost(&usage, batch).max(model.cost(&cached, batch))
}

fn capped(model: &ModelConfig, input: u64) -> u64 {
    model.context_length.map_or(input, |context| input.min(context.into()))
}

fn message(message: &Message) -> u64 {
    let parts = message.parts.iter().map(|part| match part {
        Part::Media(media) => allowance(media),
        other => text_of(other),
    });
    // The frame of a turn is more than its role; JSON has more of it than any template.
    parts.fold(FRAME, u64::saturating_add)
}

fn allowance(media: &Media) -> u64 {
    let characters = length(media.data.len());
    match media.media_type.split('/').next() {
        Some("image") => MEDIA,
        Some("audio" | "video") => (characters / PER_TOKEN).max(MEDIA),
        // A document is mostly text, and packed.
        _ => characters.max(MEDIA),
    }
}

/// The bytes of its JSON, which are at least those of the text in it.
fn text_of(value: &impl Serialize) -> u64 {
    // What cannot be written as JSON cannot be sent either.
    serde_json::to_vec(value).map_or(0, |bytes| length(bytes.len()))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
