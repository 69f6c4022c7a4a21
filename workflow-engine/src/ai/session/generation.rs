//! What calls for text, objects and streams share: their options, the checks before they are sent, and the request that
//! they send.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::AiSession;
use super::model_choice::ModelChoice;
use super::prompt::Prompt;
use super::request::CallSpec;
use super::tool::AiTool;
use super::transcript::{media_types, prompt_text};
use crate::ai::models::{Capability, max_cost_of_generation};
use crate::ai::provider::AiProvider;
use crate::ai::request::{GenerateRequest, ObjectSchema};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::records::CallType;
use crate::value::MAX_DEPTH;

/// The options that a builder has collected.
#[derive(Clone)]
pub(super) struct Generation {
    pub(super) session: AiSession,
    pub(super) choice: ModelChoice,
    pub(super) prompt: Prompt,
    pub(super) instructions: Option<String>,
    pub(super) temperature: Option<f64>,
    pub(super) max_tokens: Option<u32>,
    pub(super) provider_options: Option<Value>,
    pub(super) retries: Option<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) tools: Vec<AiTool>,
    pub(super) max_steps: u32,
}

/// A checked generation, with the request that is sent.
pub(super) struct PreparedGeneration {
    pub(super) session: AiSession,
    pub(super) provider: Arc<dyn AiProvider>,
    pub(super) model_key: String,
    pub(super) request: GenerateRequest,
    pub(super) tools: Vec<AiTool>,
    pub(super) max_steps: u32,
    pub(super) retries: Option<u32>,
    pub(super) call_type: CallType,
}

impl Generation {
    pub(super) fn new(session: &AiSession, choice: ModelChoice, prompt: Prompt) -> Self {
        Self {
            session: session.clone(),
            choice,
            prompt,
            instructions: None,
            temperature: None,
            max_tokens: None,
            provider_options: None,
            retries: None,
            timeout: None,
            tools: Vec::new(),
            max_steps: 8,
        }
    }

    /// Checks the options and builds the request. It has only the options that the call or the model choice sets, because
    /// models refuse fields that they do not know: newer ones refuse every temperature.
    pub(super) fn prepare(
        self,
        call_type: CallType,
        schema: Option<ObjectSchema>,
    ) -> Result<PreparedGeneration, AiError> {
        let client = self.session.client()?;
        let model_key = self.choice.key;
        let model = client.models().get(&model_key)?;
        Capability::Generate.require(&model_key, model)?;
        if schema.is_some() {
            Capability::StructuredOutputs.require(&model_key, model)?;
        }
        if !self.tools.is_empty() {
            Capability::Tools.require(&model_key, model)?;
            check_tools(&self.tools)?;
        }
        if call_type == CallType::Batch {
            Capability::Batch.require(&model_key, model)?;
        }
        let provider = client.provider_of(&model_key, model)?;
        let temperature = self.temperature.or(self.choice.temperature);
        let max_tokens = self.max_tokens.or(self.choice.max_tokens);
        let messages = self.prompt.into_messages();
        check(temperature, max_tokens, messages.is_empty())?;
        check_options(self.provider_options.as_ref())?;
        let settings = client.settings();
        let is_stream = call_type == CallType::Stream;
        let default_timeout = if is_stream { settings.stream_timeout } else { settings.timeout };
        let request = GenerateRequest {
            model: model.clone(),
            instructions: self.instructions,
            messages,
            temperature,
            max_tokens,
            schema,
            tools: self.tools.iter().map(|tool| tool.declaration().clone()).collect(),
            provider_options: self.provider_options,
            timeout: self.timeout.unwrap_or(default_timeout),
        };
        Ok(PreparedGeneration {
            session: self.session,
            provider,
            model_key,
            request,
            tools: self.tools,
            max_steps: self.max_steps,
            retries: self.retries,
            call_type,
        })
    }
}

impl PreparedGeneration {
    /// Describes the next request to the ledger. `step` counts the requests of one generation from 1.
    pub(super) fn call_spec(&self, step: u32) -> Result<CallSpec, AiError> {
        let request = &self.request;
        let mut metadata = Map::new();
        metadata
            .extend(request.temperature.map(|temperature| ("temperature".to_owned(), temperature.into())));
        metadata.extend(request.max_tokens.map(|limit| ("max_tokens".to_owned(), limit.into())));
        if !self.tools.is_empty() {
            metadata.insert("step".to_owned(), step.into());
        }
        let media = media_types(&request.messages);
        if !media.is_empty() {
            metadata.insert("media_types".to_owned(), media.into_iter().collect::<Value>());
        }
        Ok(CallSpec {
            topic: self.session.topic.clone(),
            call_type: self.call_type,
            model_key: self.model_key.clone(),
            model_id: request.model.id.clone(),
            prompt: self.session.client()?.settings().prompts.capture(|| prompt_text(request)),
            metadata,
            max_cost: max_cost_of_generation(request, self.call_type == CallType::Batch),
            retries: self.retries,
        })
    }
}

fn check(temperature: Option<f64>, max_tokens: Option<u32>, is_empty: bool) -> Result<(), AiError> {
    let fault = if is_empty {
        "the prompt has no messages"
    } else if temperature.is_some_and(|temperature| !(0.0..=2.0).contains(&temperature)) {
        "the temperature is not between 0 and 2"
    } else if max_tokens == Some(0) {
        "`max_tokens` is 0; set at least 1"
    } else {
        return Ok(());
    };
    Err(AiError::new(AiErrorKind::InvalidRequest, fault))
}

/// Checks the provider options: an object. Options that are nested too deeply are `null` by now.
pub(super) fn check_options(options: Option<&Value>) -> Result<(), AiError> {
    if options.is_none_or(Value::is_object) {
        return Ok(());
    }
    let fault = format!("the provider options are not a JSON object, or nest more than {MAX_DEPTH} levels");
    Err(AiError::new(AiErrorKind::InvalidRequest, fault))
}

fn check_tools(tools: &[AiTool]) -> Result<(), AiError> {
    let mut names = BTreeSet::new();
    for name in tools.iter().map(AiTool::name) {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fault = if !(1..=64).contains(&name.len()) || !name.bytes().all(is_name) {
            "is not a valid tool name: use 1 to 64 letters, digits, `_` and `-`"
        } else if !names.insert(name) {
            "is the name of two tools"
        } else {
            continue;
        };
        return Err(AiError::new(AiErrorKind::InvalidRequest, format!("`{name}` {fault}")));
    }
    Ok(())
}

/// Defines the option methods that every generation has, on a builder with a field `generation`.
macro_rules! generation_options {
    () => {
        /// Sets the instructions that apply to the whole conversation.
        pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
            self.generation.instructions = Some(instructions.into());
            self
        }

        /// Sets the temperature, from 0 (always the most likely token) to 2. Without it, the request has none, and the
        /// model uses its own default. Newer models refuse a request with a temperature.
        pub const fn temperature(mut self, temperature: f64) -> Self {
            self.generation.temperature = Some(temperature);
            self
        }

        /// Limits the response, including reasoning, to this number of tokens. The limit also bounds the cost that is
        /// reserved in the budget. Without it, the reservation assumes the model's longest response.
        pub const fn max_tokens(mut self, tokens: u32) -> Self {
            self.generation.max_tokens = Some(tokens);
            self
        }

        /// Adds provider-specific fields, merged into the request body as they are. The reserved cost does not account
        /// for fields that change the number or the length of the responses.
        pub fn provider_options(mut self, options: serde_json::Value) -> Self {
            self.generation.provider_options = Some(crate::value::exact::bounded(options));
            self
        }

        /// Sets the number of retries, instead of the client's
        /// [`max_retries`](crate::ai::AiClientBuilder::max_retries).
        pub const fn retries(mut self, retries: u32) -> Self {
            self.generation.retries = Some(retries);
            self
        }

        /// Sets the timeout for the whole response, or for the next part of a stream.
        pub const fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.generation.timeout = Some(timeout);
            self
        }
    };
}

/// Defines the option methods for tools, on a builder with a field `generation`.
macro_rules! tool_options {
    () => {
        /// Adds a tool that the model may call.
        pub fn tool(mut self, tool: super::tool::AiTool) -> Self {
            self.generation.tools.push(tool);
            self
        }

        /// Limits the number of requests to the model, between which its tool calls are executed. At least 1, default
        /// 8. Tool calls in the last response are returned without being executed.
        pub fn max_steps(mut self, steps: u32) -> Self {
            self.generation.max_steps = steps.max(1);
            self
        }
    };
}

pub(super) use generation_options;
pub(super) use tool_options;
