//! Asking a model, calling the tools that it wants, and asking again.

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::generation::Ready;
use super::open_call::OpenCall;
use super::request::{CallResult, CallSpec, json};
use super::response::TextResponse;
use super::{topic, transcript};
use crate::ai::error::AiError;
use crate::ai::message::{Message, Part, Role, ToolCall, ToolResult};
use crate::ai::models::unknown;
use crate::ai::response::{GenerateResponse, Usage};
use crate::ledger::{CallOutcome, SettledCall};
use crate::records::CallType;
use crate::value::Cost;

impl Ready {
    /// Until the model has answered, or its steps are at their end.
    pub(super) async fn run(mut self) -> Result<TextResponse, AiError> {
        let (mut usage, mut cost, mut reasoning) = (Usage::default(), Cost::ZERO, Vec::new());
        let mut steps = 1;
        loop {
            let (response, paid) = self.step(steps).await?;
            usage = sum(usage, response.usage);
            cost += paid;
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

    /// One question, and its end in the ledger.
    async fn step(&self, number: u32) -> Result<(GenerateResponse, Cost), AiError> {
        let question = self.question(number)?;
        let CallResult { value: response, call, mut metadata } =
            self.helper.ask(&question, || self.provider.generate(&self.request)).await?;
        let cost = self.request.model.cost(&response.usage, false);
        describe(&mut metadata, &response);
        let responses = self.helper.client()?.settings().responses;
        let settled = SettledCall {
            response: responses.keep(|| transcript::answer(&response.text, &response.tool_calls)),
            input_tokens: response.usage.input_tokens,
            cached_input_tokens: response.usage.cached_input_tokens,
            output_tokens: response.usage.output_tokens,
            cost,
            metadata: json(metadata),
        };
        call.end(CallOutcome::Settled(settled)).await?;
        Ok((response, cost))
    }

    /// Calls all of them side by side; the results are in the order of the calls.
    async fn call_tools(&self, calls: Vec<ToolCall>) -> Result<Vec<ToolResult>, AiError> {
        let running = join_all(calls.into_iter().map(|call| self.call_tool(call)));
        self.helper.unless_cancelled(running).await?.into_iter().collect()
    }

    async fn call_tool(&self, call: ToolCall) -> Result<ToolResult, AiError> {
        let settings = *self.helper.client()?.settings();
        let question = CallSpec {
            topic: topic::join(&self.helper.topic, &["tool", &call.name]),
            call_type: CallType::Tool,
            model_key: self.model_key.clone(),
            model_id: self.request.model.id.clone(),
            prompt: settings.prompts.keep(|| call.input.to_string()),
            metadata: Map::new(),
            reserve: Cost::ZERO,
            retries: None,
        };
        let row = OpenCall::reserve(self.helper.ledger(), question.reservation(1)).await?;
        let answered = if let Some(tool) = self.tools.iter().find(|tool| tool.name() == call.name) {
            tool.run(call.input).await
        } else {
            let known: Vec<&str> = self.tools.iter().map(super::AiTool::name).collect();
            Err(unknown("tool", &call.name, &known))
        };
        let (output, is_error) = match answered {
            Ok(output) => (output, false),
            Err(text) => (Value::String(text), true),
        };
        let mut metadata = Map::new();
        metadata.insert("is_error".to_owned(), is_error.into());
        let settled = SettledCall {
            response: settings.responses.keep(|| output.to_string()),
            metadata: json(metadata),
            ..SettledCall::default()
        };
        row.end(CallOutcome::Settled(settled)).await?;
        Ok(ToolResult { id: call.id, name: call.name, output, is_error })
    }
}

/// What the ledger is told of an answer beside its text.
pub(super) fn describe(metadata: &mut Map<String, Value>, response: &GenerateResponse) {
    metadata
        .insert("finish_reason".to_owned(), serde_json::to_value(response.finish_reason).unwrap_or_default());
    metadata.insert("has_reasoning".to_owned(), response.reasoning.is_some().into());
}

fn sum(a: Usage, b: Usage) -> Usage {
    Usage {
        input_tokens: a.input_tokens.saturating_add(b.input_tokens),
        cached_input_tokens: a.cached_input_tokens.saturating_add(b.cached_input_tokens),
        output_tokens: a.output_tokens.saturating_add(b.output_tokens),
    }
}
