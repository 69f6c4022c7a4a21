//! Providers that speak over HTTP.

pub mod anthropic;
pub mod gemini;
mod parts;

use secrecy::SecretString;

use crate::ai::error::{AiError, AiErrorKind};

/// The key in the first of these variables that is set.
fn key_from_env(provider: &str, names: &[&str]) -> Result<SecretString, AiError> {
    let key = names.iter().find_map(|name| std::env::var(name).ok().filter(|key| !key.is_empty()));
    key.map(SecretString::from).ok_or_else(|| {
        let message = format!("there is no key for `{provider}`: set `{}`", names.join("` or `"));
        AiError::new(AiErrorKind::Authentication, message)
    })
}
