//! The AI provider of the examples: OpenAI if there is an API key, otherwise a stand-in on this machine.

mod stand_in;

use std::error::Error;
use std::io::{self, Write};

use workflow_engine::ai::AiClient;
use workflow_engine::ai::providers::OpenAi;

/// A small model, whose prices the engine knows.
pub const MODEL: &str = "gpt-5.4-nano";

/// Returns a client of OpenAI with the key in `OPENAI_API_KEY`. Without a key, returns a client of a stand-in that responds
/// with `respond`.
pub async fn client(respond: stand_in::Respond) -> Result<AiClient, Box<dyn Error>> {
    let has_key = std::env::var("OPENAI_API_KEY").is_ok_and(|key| !key.trim().is_empty());
    let provider = if has_key {
        OpenAi::from_env()?
    } else {
        writeln!(
            io::stdout(),
            "OPENAI_API_KEY is not set: using a stand-in on this machine, free of charge"
        )?;
        OpenAi::compatible("openai", &stand_in::start(respond).await?)?.with_batches()
    };
    Ok(AiClient::builder().provider(provider).build()?)
}
