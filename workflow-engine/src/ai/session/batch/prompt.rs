//! The prompt of one batch item, with its options.

use schemars::JsonSchema;
use serde_json::Value;

use crate::ai::session::AiSession;
use crate::ai::session::generation::Generation;
use crate::ai::session::model_choice::ModelChoice;
use crate::ai::session::prompt::Prompt;
use crate::ai::session::schema::ExpectedSchema;
use crate::value::exact::bounded;

/// One item of a batch: a custom id and a prompt. A pair `("id", "Why?")` converts into one.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPrompt {
    pub(super) custom_id: String,
    prompt: Prompt,
    instructions: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    provider_options: Option<Value>,
    pub(super) expected: Option<ExpectedSchema>,
}

impl BatchPrompt {
    /// Creates an item that generates text. The custom id has 1 to 64 letters, digits, `_` and `-`.
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

    /// Makes the item generate a value of the type `T`. The ticket stores the schema, so that any process can validate
    /// the response.
    #[must_use]
    pub fn schema<T: JsonSchema>(mut self) -> Self {
        self.expected = Some(ExpectedSchema::of::<T>());
        self
    }

    /// Sets the instructions that apply to the whole conversation.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Sets the temperature, from 0 to 2. Without it, the request has none.
    #[must_use]
    pub const fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Limits the response, including reasoning, to this number of tokens.
    #[must_use]
    pub const fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Adds provider-specific fields, merged into the request body as they are.
    #[must_use]
    pub fn provider_options(mut self, options: Value) -> Self {
        self.provider_options = Some(bounded(options));
        self
    }

    pub(super) fn generation(self, session: &AiSession, choice: &ModelChoice) -> Generation {
        Generation {
            instructions: self.instructions,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            provider_options: self.provider_options,
            ..Generation::new(session, choice.clone(), self.prompt)
        }
    }
}

impl<I: Into<String>, P: Into<Prompt>> From<(I, P)> for BatchPrompt {
    fn from((custom_id, prompt): (I, P)) -> Self {
        Self::new(custom_id, prompt)
    }
}
