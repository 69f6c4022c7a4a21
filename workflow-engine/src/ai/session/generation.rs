//! A call for text or an object, and what is checked before anything is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::AiSession;
use super::choice::ModelChoice;
use super::prompt::Prompt;
use super::request::CallSpec;
use super::tool::AiTool;
use super::transcript::{media_types, transcript};
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::models::{Capability, worst_of_generation};
use crate::ai::provider::AiProvider;
use crate::ai::request::{GenerateRequest, ObjectSchema};
use crate::records::CallType;

/// What a builder has gathered.
#[derive(Clone)]
pub(super) struct Generation {
    pub(super) helper: AiSession,
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

/// A generation that may be sent.
pub(super) struct Ready {
    pub(super) helper: AiSession,
    pub(super) provider: Arc<dyn AiProvider>,
    pub(super) model_key: String,
    pub(super) request: GenerateRequest,
    pub(super) tools: Vec<AiTool>,
    pub(super) max_steps: u32,
    pub(super) retries: Option<u32>,
    pub(super) call_type: CallType,
}

impl Generation {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice, prompt: Prompt) -> Self {
        Self {
            helper: helper.clone(),
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

    /// Checks it, and makes the request. `temperature` is what is taken where nobody has said one.
    pub(super) fn ready(
        self,
        call_type: CallType,
        temperature: f64,
        schema: Option<ObjectSchema>,
    ) -> Result<Ready, AiError> {
        let client = self.helper.client()?;
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
        let temperature = self.temperature.or(self.choice.temperature).unwrap_or(temperature);
        let max_tokens = self.max_tokens.or(self.choice.max_tokens);
        let messages = self.prompt.into_messages();
        check(temperature, max_tokens, messages.is_empty())?;
        let settings = client.settings();
        let is_stream = call_type == CallType::Stream;
        let default = if is_stream { settings.stream_timeout } else { settings.timeout };
        let request = GenerateRequest {
            model: model.clone(),
            instructions: self.instructions,
            messages,
            temperature: Some(temperature),
            max_tokens,
            schema,
            tools: self.tools.iter().map(|tool| tool.shown().clone()).collect(),
            provider_options: self.provider_options,
            timeout: self.timeout.unwrap_or(default),
        };
        Ok(Ready {
            helper: self.helper,
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

impl Ready {
    /// What the ledger is told of its next request.
    pub(super) fn question(&self, step: u32) -> Result<CallSpec, AiError> {
        let request = &self.request;
        let mut metadata = Map::new();
        metadata.insert("temperature".to_owned(), request.temperature.into());
        metadata.insert("max_tokens".to_owned(), request.max_tokens.into());
        if !self.tools.is_empty() {
            metadata.insert("step".to_owned(), step.into());
        }
        let media = media_types(&request.messages);
        if !media.is_empty() {
            metadata.insert("media_types".to_owned(), media.into_iter().collect::<Value>());
        }
        Ok(CallSpec {
            topic: self.helper.topic.clone(),
            call_type: self.call_type,
            model_key: self.model_key.clone(),
            model_id: request.model.id.clone(),
            prompt: self.helper.client()?.settings().prompts.keep(|| transcript(request)),
            metadata,
            reserve: worst_of_generation(request, self.call_type == CallType::Batch),
            retries: self.retries,
        })
    }
}

fn check(temperature: f64, max_tokens: Option<u32>, is_empty: bool) -> Result<(), AiError> {
    let fault = if is_empty {
        "the conversation has no turn"
    } else if !(0.0..=2.0).contains(&temperature) {
        "the temperature is not from 0 to 2"
    } else if max_tokens == Some(0) {
        "the longest answer has no token"
    } else {
        return Ok(());
    };
    Err(AiError::new(AiErrorKind::InvalidRequest, fault))
}

fn check_tools(tools: &[AiTool]) -> Result<(), AiError> {
    let mut names = BTreeSet::new();
    for name in tools.iter().map(AiTool::name) {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fault = if !(1..=64).contains(&name.len()) || !name.bytes().all(is_name) {
            "is no name of a tool: it needs 1 to 64 letters, digits, `_` and `-`"
        } else if !names.insert(name) {
            "is the name of two tools"
        } else {
            continue;
        };
        return Err(AiError::new(AiErrorKind::InvalidRequest, format!("`{name}` {fault}")));
    }
    Ok(())
}
