//! A call that the program has made by other means.

use std::fmt;

use serde::Serialize;

use super::AiSession;
use super::open_call::OpenCall;
use crate::ai::error::AiError;
use crate::ai::response::Usage;
use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::records::CallType;
use crate::value::{Cost, Json};

/// A call for [`AiSession::record_call`] to write down: one that was made by other means, and has been answered.
#[derive(Clone)]
#[must_use = "nothing is written until it is given to `AiSession::record_call`"]
pub struct RecordedCall {
    model: String,
    prompt: Option<String>,
    response: Option<String>,
    usage: Usage,
    cost: Option<Cost>,
    metadata: Option<Json>,
}

impl RecordedCall {
    /// Of this model, by its key.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            prompt: None,
            response: None,
            usage: Usage::default(),
            cost: None,
            metadata: None,
        }
    }

    /// What was asked.
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// What was answered.
    pub fn response(mut self, response: impl Into<String>) -> Self {
        self.response = Some(response.into());
        self
    }

    /// What it took. Without a [`cost`](Self::cost), this is what it costs with the model.
    pub const fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// What it has cost. The model need not be registered then.
    pub const fn cost(mut self, cost: Cost) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Whatever else is known of it: what serde writes as a JSON object. Something else is left out.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.metadata = Json::encode(&metadata).ok().filter(|json| json.as_str().starts_with('{'));
        self
    }

    pub(super) async fn write(self, helper: &AiSession) -> Result<(), AiError> {
        let client = helper.client()?;
        let model = client.models().get(&self.model);
        let cost = match (self.cost, &model) {
            (Some(cost), _) => cost,
            (None, Ok(model)) => model.cost(&self.usage, false),
            (None, Err(error)) => return Err(error.clone()),
        };
        let settings = client.settings();
        let call = CallReservation {
            topic: helper.topic.clone(),
            call_type: CallType::Custom,
            model_id: model.map_or_else(|_| self.model.clone(), |model| model.id.clone()),
            model_key: self.model,
            prompt: self.prompt.and_then(|text| settings.prompts.keep(|| text)),
            metadata: self.metadata,
            reserve: cost,
        };
        let settled = SettledCall {
            response: self.response.and_then(|text| settings.responses.keep(|| text)),
            input_tokens: self.usage.input_tokens,
            cached_input_tokens: self.usage.cached_input_tokens,
            output_tokens: self.usage.output_tokens,
            cost,
            metadata: None,
        };
        let row = OpenCall::reserve(helper.ledger(), call).await?;
        row.end(CallOutcome::Settled(settled)).await
    }
}

impl fmt::Debug for RecordedCall {
    /// Without what was asked and answered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedCall")
            .field("model", &self.model)
            .field("usage", &self.usage)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
