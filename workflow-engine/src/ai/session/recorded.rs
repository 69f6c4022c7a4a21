//! The record of a call that the program made without a session.

use std::fmt;

use serde::Serialize;

use super::AiSession;
use super::request::ReservedCall;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::records::CallType;
use crate::value::{Cost, Json, Lossy, exact};

impl AiSession {
    /// Records a call that the program made without this session.
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`](crate::ai::AiErrorKind::NotFound) if its model is not registered and the call has no
    /// cost; [`AiErrorKind::BudgetExceeded`](crate::ai::AiErrorKind::BudgetExceeded);
    /// [`AiErrorKind::Ledger`](crate::ai::AiErrorKind::Ledger).
    pub async fn record_call(&self, call: RecordedCall) -> Result<(), AiError> {
        call.write(self).await
    }
}

/// A completed call that the program made without a session, for [`AiSession::record_call`].
#[derive(Clone)]
#[must_use = "nothing is written until it is passed to `AiSession::record_call`"]
pub struct RecordedCall {
    model: String,
    prompt: Option<String>,
    response: Option<String>,
    usage: Usage,
    cost: Option<Cost>,
    metadata: Result<Option<Json>, Lossy>,
}

impl RecordedCall {
    /// Creates a record of a call to the model with this key.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            prompt: None,
            response: None,
            usage: Usage::default(),
            cost: None,
            metadata: Ok(None),
        }
    }

    /// Sets the prompt.
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// Sets the response.
    pub fn response(mut self, response: impl Into<String>) -> Self {
        self.response = Some(response.into());
        self
    }

    /// Sets the tokens that the call used. Without a [`cost`](Self::cost), the cost is computed from them.
    pub const fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets the cost. The model then need not be registered.
    pub const fn cost(mut self, cost: Cost) -> Self {
        self.cost = Some(cost);
        self
    }

    /// Sets further metadata. A value that does not serialize to a JSON object is ignored; one of which a part would be
    /// lost, as a number that is not finite, makes the call fail.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        let json = exact::encode(&metadata);
        if json.as_ref().is_err_and(Lossy::is_too_deep) {
            // Dropping it here could overflow the stack, and it need not be `Send`.
            std::mem::forget(metadata);
        }
        self.metadata = json.map(|json| Some(json).filter(|json| json.as_str().starts_with('{')));
        self
    }

    async fn write(self, session: &AiSession) -> Result<(), AiError> {
        let client = session.client()?;
        let metadata = self.metadata.map_err(|fault| {
            AiError::new(AiErrorKind::InvalidRequest, format!("the metadata cannot be stored: {fault}"))
        })?;
        let model = client.models().get(&self.model);
        let cost = match (self.cost, &model) {
            (Some(cost), _) => cost,
            (None, Ok(model)) => model.cost(&self.usage, false),
            (None, Err(error)) => return Err(error.clone()),
        };
        let settings = client.settings();
        let call = CallReservation {
            topic: session.topic.clone(),
            call_type: CallType::Custom,
            model_id: model.map_or_else(|_| self.model.clone(), |model| model.id.clone()),
            model_key: self.model,
            prompt: self.prompt.and_then(|text| settings.prompts.capture(|| text)),
            metadata,
            reserve: cost,
        };
        let settled = SettledCall {
            response: self.response.and_then(|text| settings.responses.capture(|| text)),
            input_tokens: self.usage.input_tokens,
            cached_input_tokens: self.usage.cached_input_tokens,
            output_tokens: self.usage.output_tokens,
            cost,
            metadata: None,
        };
        let row = ReservedCall::reserve(session.ledger(), call).await?;
        row.settle(CallOutcome::Settled(settled)).await
    }
}

impl fmt::Debug for RecordedCall {
    /// Shows no prompt and no response, since debug output reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedCall")
            .field("model", &self.model)
            .field("usage", &self.usage)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}
