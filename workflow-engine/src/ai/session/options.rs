//! What can be said of a call for text, an object or a stream: the same for each.

/// The methods that set what every generation has, for a builder with a field `generation`.
macro_rules! generation_options {
    () => {
        /// What holds for the whole conversation.
        pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
            self.generation.instructions = Some(instructions.into());
            self
        }

        /// From 0, always the likeliest word, to 2. Default 0.7 for text and 0 for objects. Providers leave it out for
        /// models that take none.
        pub const fn temperature(mut self, temperature: f64) -> Self {
            self.generation.temperature = Some(temperature);
            self
        }

        /// The longest answer, in tokens, reasoning included. It also bounds what is reserved in the budget; without
        /// it, that is the longest answer of the model.
        pub const fn max_tokens(mut self, tokens: u32) -> Self {
            self.generation.max_tokens = Some(tokens);
            self
        }

        /// Fields of the provider's own, laid over the request as they are. What they change of the number or the
        /// length of the answers is not seen when the cost is reserved.
        pub fn provider_options(mut self, options: serde_json::Value) -> Self {
            self.generation.provider_options = Some(options);
            self
        }

        /// How often it is repeated, in the place of the client's
        /// [`max_retries`](crate::ai::AiClientBuilder::max_retries).
        pub const fn retries(mut self, retries: u32) -> Self {
            self.generation.retries = Some(retries);
            self
        }

        /// How long an answer may take; of a stream, how long its next piece may take.
        pub const fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.generation.timeout = Some(timeout);
            self
        }
    };
}

/// The methods that give a generation tools.
macro_rules! tool_options {
    () => {
        /// Something that the model may call.
        pub fn tool(mut self, tool: crate::ai::AiTool) -> Self {
            self.generation.tools.push(tool);
            self
        }

        /// How often the model is asked at most, its tools being called in between; at least 1, default 8. Tools that
        /// it wants called in its last answer are not: they are handed back with it.
        pub fn max_steps(mut self, steps: u32) -> Self {
            self.generation.max_steps = steps.max(1);
            self
        }
    };
}

pub(super) use generation_options;
pub(super) use tool_options;
