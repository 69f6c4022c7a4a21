//! The built-in providers, which speak HTTP: [`OpenAi`] and compatible servers, [`Anthropic`], and Google's [`Gemini`].

mod openai;
mod anthropic;
mod gemini;
mod parts;

pub use anthropic::Anthropic;
pub use gemini::Gemini;
pub use openai::{OpenAi, TokenLimit};

use secrecy::SecretString;

use crate::ledger::ai_error::{AiError, AiErrorKind};

/// Returns the key from the first of these environment variables that has one.
fn key_from_env(provider: &str, names: &[&str]) -> Result<SecretString, AiError> {
    let keys = names.iter().filter_map(|name| std::env::var(name).ok());
    let mut keys = keys.filter(|key| !key.trim().is_empty());
    keys.next().map(|key| key.trim().into()).ok_or_else(|| {
        let message =
            format!("no key for `{provider}`: set the environment variable `{}`", names.join("` or `"));
        AiError::new(AiErrorKind::Authentication, message)
    })
}
