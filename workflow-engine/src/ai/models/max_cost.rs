//! The maximum cost of a call, before it is sent.
//!
//! The engine has no tokenizers. But a token has at least one byte of text, so the bytes of a prompt bound its tokens;
//! and a prompt that exceeds the model's context is refused at no cost. Two things do not show in the bytes: media, and
//! the text that a provider adds for tools and schemas. They have an allowance, which is an estimate and not a bound.

use serde::Serialize;

use crate::ai::message::{Media, Message, Part};
use crate::ai::model::ModelConfig;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ledger::usage::Usage;
use crate::value::Cost;

/// Tokens that a provider adds around each request or message.
const FRAME: u64 = 64;
/// Tokens that a provider adds to a request that has tools or a schema.
const INSTRUCTIONS: u64 = 1_024;
/// Tokens of one image, and the minimum for other media. A large image has 1,500 to 5,000 tokens with most models.
const MEDIA: u64 = 5_000;
/// Base64 characters per token of audio and video. Recordings above 30 kbit/s have fewer tokens than this.
const MEDIA_CHARACTERS_PER_TOKEN: u64 = 16;
/// The longest response of a model without `max_completion_tokens`; no current model exceeds it.
const LONGEST_RESPONSE: u64 = 131_072;

/// Returns the maximum cost of a generation.
pub(in crate::ai) fn max_cost_of_generation(request: &GenerateRequest, batch: bool) -> Cost {
    let model = &request.model;
    let mut input = FRAME + text_of(&request.instructions) + text_of(&request.provider_options);
    if !request.tools.is_empty() || request.schema.is_some() {
        input += INSTRUCTIONS + text_of(&request.tools) + text_of(&request.schema);
    }
    input += request.messages.iter().map(message).fold(0, u64::saturating_add);
    let limit = [model.max_completion_tokens, model.context_length].into_iter().flatten().min();
    let output = request.max_tokens.or(limit).map_or(LONGEST_RESPONSE, u64::from);
    cost(model, input, output, batch)
}

/// Returns the maximum cost of an embedding call.
pub(in crate::ai) fn max_cost_of_embedding(request: &EmbedRequest) -> Cost {
    // The context length applies to each text by itself.
    let input = request.texts.iter().map(|text| capped(&request.model, FRAME + length(text.len())));
    let usage = Usage { input_tokens: input.fold(0, u64::saturating_add), ..Usage::default() };
    request.model.cost(&usage, false)
}

fn cost(model: &ModelConfig, input: u64, output: u64, batch: bool) -> Cost {
    let usage = Usage { input_tokens: capped(model, input), cached_input_tokens: 0, output_tokens: output };
    // A cache price above the normal price is probably a mistake in the model's configuration. It must not break the bound.
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
    // Each message has its own frame, and the JSON of a part is longer than any provider's template.
    parts.fold(FRAME, u64::saturating_add)
}

fn allowance(media: &Media) -> u64 {
    let characters = length(media.data.len());
    match media.media_type.split('/').next() {
        Some("image") => MEDIA,
        Some("audio" | "video") => (characters / MEDIA_CHARACTERS_PER_TOKEN).max(MEDIA),
        // A document is mostly compressed text, so its bytes do not bound its tokens as closely.
        _ => characters.max(MEDIA),
    }
}

/// Returns the length of the value's JSON in bytes, which is at least that of the text in it.
fn text_of(value: &impl Serialize) -> u64 {
    // A value that cannot be written as JSON cannot be sent either.
    serde_json::to_vec(value).map_or(0, |bytes| length(bytes.len()))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
