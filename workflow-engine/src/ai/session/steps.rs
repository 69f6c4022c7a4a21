//! The steps of a generation: request a response, execute the model's tool calls, and request again.

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::generation::PreparedGeneration;
use super::join_topic;
use super::request::{CallResult, CallSpec, ReservedCall, settled};
use super::text::TextResponse;
use super::tool::AiTool;
use super::transcript::{describe_response, response_text};
use crate::ai::message::{Message, Part, Role, ToolCall, ToolResult};
use crate::ai::models::not_registered;
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;
use crate::records::CallType;
use crate::value::Cost;

impl PreparedGeneration {
    /// Runs until the model returns a response without tool calls, or the step limit is reached.
    pub(super) async fn run(mut self) -> Result<TextResponse, AiError> {
        let (mut usage, mut cost, mut reasoning) = (Usage::default(), Cost::ZERO, Vec::new());
        let mut steps = 1;
        loop {
            let (response, step_cost) = self.step(steps).await?;
            usage = sum(usage, response.usage);
            cost += step_cost;
            reasoning.extend(response.reasoning);
            let mut parts = Vec::new();
            if !response.text.is_empty() {
                parts.push(Part::text(&response.text));
            }
            parts.extend(response.tool_calls.iter().cloned().map(Part::ToolCall));
            self.request.messages.push(Message { role: Role::Assistant, parts });
            if response.tool_calls.is_empty() || self.tools.is_empty() || steps >= self.max_steps {
                return Ok(TextResponse {
                    text: response.text,
                    reasoning: (!reasoning.is_empty()).then(|| reasoning.join("\n\n")),
                    usage,
                    cost,
                    steps,
                    finish_reason: response.finish_reason,
                    tool_calls: response.tool_calls,
                    messages: self.request.messages,
                });
            }
            let results = self.call_tools(response.tool_calls).await?;
            let parts = results.into_iter().map(Part::ToolResult).collect();
            self.request.messages.push(Message { role: Role::User, parts });
            steps += 1;
        }
    }

    /// Sends one request and settles it.
    async fn step(&self, number: u32) -> Result<(GenerateResponse, Cost), AiError> {
        let spec = self.call_spec(number)?;
        let CallResult { response, call, mut metadata } =
            self.session.send(&spec, || self.provider.generate(&self.request)).await?;
        let cost = self.request.model.cost(&response.usage, false);
        describe_response(&mut metadata, response.finish_reason, response.reasoning.is_some());
        let text = self
            .session
            .client()?
            .settings()
            .responses
            .capture(|| response_text(&response.text, &response.tool_calls));
        call.settle(settled(text, response.usage, cost, metadata)).await?;
        Ok((response, cost))
    }

    /// Executes the tool calls concurrently. The results are in the order of the calls.
    async fn call_tools(&self, calls: Vec<ToolCall>) -> Result<Vec<ToolResult>, AiError> {
        let running = join_all(calls.into_iter().map(|call| self.call_tool(call)));
        self.session.unless_cancelled(running).await?.into_iter().collect()
    }

    /// Executes one tool call. It is a row of the ledger that costs nothing.
    async fn call_tool(&self, call: ToolCall) -> Result<ToolResult, AiError> {
        let settings = *self.session.client()?.settings();
        let spec = CallSpec {
            topic: join_topic(&self.session.topic, &["tool", &call.name]),
            call_type: CallType::Tool,
            model_key: self.model_key.clone(),
            model_id: self.request.model.id.clone(),
            prompt: settings.prompts.capture(|| call.input.to_string()),
            metadata: Map::new(),
            max_cost: Cost::ZERO,
            retries: None,
        };
        let row = ReservedCall::reserve(self.session.ledger(), spec.reservation(1)).await?;
        let result = if let Some(tool) = self.tools.iter().find(|tool| tool.name() == call.name) {
            tool.run(call.input).await
        } else {
            let names: Vec<&str> = self.tools.iter().map(AiTool::name).collect();
            Err(not_registered("tool", &call.name, &names))
        };
        let (output, is_error) = match result {
            Ok(output) => (output, false),
            Err(text) => (Value::String(text), true),
        };
        let mut metadata = Map::new();
        metadata.insert("is_error".to_owned(), is_error.into());
        let text = settings.responses.capture(|| output.to_string());
        row.settle(settled(text, Usage::default(), Cost::ZERO, metadata)).await?;
        Ok(ToolResult { id: call.id, name: call.name, output, is_error })
    }
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        cached_input_tokens: a.cached_input_tokens.saturating_add(b.cached_input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
    }
}
