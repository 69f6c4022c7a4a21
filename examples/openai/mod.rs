//! Whom the examples ask: OpenAI where there is a key for it, and a stand-in on this machine where there is none.

mod stand_in;

use std::error::Error;
use std::io::{self, Write};

use workflow_engine::ai::AiClient;
use workflow_engine::ai::providers::OpenAi;

/// A small model, which the engine knows with its prices.
pub const MODEL: &str = "gpt-5.4-nano";

/// A client of OpenAI, with the key in `OPENAI_API_KEY`; without one, of a stand-in that answers so.
pub async fn client(answer: stand_in::Answer) -> Result<AiClient, Box<dyn Error>> {
    let has_key = std::env::var("OPENAI_API_KEY").is_ok_and(|key| !key.trim().is_empty());
    let provider = if has_key {
        OpenAi::from_env()?
    } else {
        writeln!(io::stdout(), "OPENAI_API_KEY is not set: a stand-in on this machine answers, at no cost")?;
        OpenAi::compatible("openai", &stand_in::start(answer).await?)?.with_batches()
    };
    Ok(AiClient::builder().provider(provider).build()?)
}
