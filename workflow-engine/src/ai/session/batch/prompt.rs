//! One item of a batch.

use schemars::JsonSchema;
use serde_json::Value;

use crate::ai::session::AiSession;
use crate::ai::session::choice::ModelChoice;
use crate::ai::session::generation::Generation;
use crate::ai::session::prompt::Prompt;
use crate::ai::session::schema::{Expected, expected};

/// One call of a batch: an id and what is asked. A pair `("id", "Why?")` is one, too.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPrompt {
    pub(super) custom_id: String,
    prompt: Prompt,
    instructions: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    provider_options: Option<Value>,
    pub(super) expected: Option<Expected>,
}

impl BatchPrompt {
    /// A call for text. The id has 1 to 64 letters, digits, `_` and `-`.
    pub fn new(custom_id: impl Into<String>, prompt: impl Into<Prompt>) -> Self {
        Self {
            custom_id: custom_id.into(),
            prompt: prompt.into(),
            instructions: None,
            temperature: None,
            max_tokens: None,
            provider_options: None,
            expected: None,
        }
    }

    /// A call for a value of the type `T`. The schema goes into the ticket, so that any process can check the answer.
    #[must_use]
    pub fn schema<T: JsonSchema>(mut self) -> Self {
        self.expected = Some(expected::<T>());
        self
    }

    /// What holds for the whole conversation.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// From 0 to 2. Default 0.7 for text and 0 for objects.
    #[must_use]
    pub const fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// The longest answer, in tokens, reasoning included.
    #[must_use]
    pub const fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Fields of the provider's own, laid over the request as they are.
    #[must_use]
    pub fn provider_options(mut self, options: Value) -> Self {
        self.provider_options = Some(options);
        self
    }

    pub(super) fn generation(self, helper: &AiSession, choice: &ModelChoice) -> Generation {
        Generation {
            instructions: self.instructions,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            provider_options: self.provider_options,
            ..Generation::new(helper, choice.clone(), self.prompt)
        }
    }
}

impl<I: Into<String>, P: Into<Prompt>> From<(I, P)> for BatchPrompt {
    fn from((custom_id, prompt): (I, P)) -> Self {
        Self::new(custom_id, prompt)
    }
}
