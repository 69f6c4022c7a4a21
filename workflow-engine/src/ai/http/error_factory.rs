//! The errors of a provider's requests. They contain no key, no prompt and no response.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;

use super::error_body::ErrorBody;
use super::redact::redact;
use super::retry_after::retry_after;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// Creates the errors of one provider.
#[derive(Clone)]
pub(super) struct ErrorFactory {
    pub(super) provider: Arc<str>,
    /// The keys, which are redacted from every message.
    pub(super) keys: Vec<SecretString>,
}

impl ErrorFactory {
    /// Converts a response whose status is not a success.
    pub(super) fn unsuccessful(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        request: Option<&Value>,
    ) -> AiError {
        let parsed = serde_json::from_slice(body).map(|body| ErrorBody::parse(&body)).unwrap_or_default();
        let mut message = format!("provider `{}` responded with status {status}", self.provider);
        if (300..400).contains(&status) {
            message.push_str(", a redirect: set the base URL to its target");
        }
        self.describe(&mut message, &parsed, request);
        let error = AiError::new(parsed.kind(Some(status)), message).with_status(status);
        match retry_after(headers).or(parsed.retry_after) {
            Some(delay) if error.is_retryable() => error.with_retry_after(delay),
            _ => error,
        }
    }

    /// Converts an error inside a response whose own status is a success.
    pub(super) fn reported(&self, error: &Value, status: Option<u16>, request: Option<&Value>) -> AiError {
        let parsed = ErrorBody::parse(error);
        let status = status.or(parsed.status);
        let mut message = format!("provider `{}` reported an error", self.provider);
        self.describe(&mut message, &parsed, request);
        let mut error = AiError::new(parsed.kind(status), message);
        if let Some(status) = status {
            error = error.with_status(status);
        }
        match parsed.retry_after {
            Some(delay) if error.is_retryable() => error.with_retry_after(delay),
            _ => error,
        }
    }

    /// Redacts and shortens a text.
    pub(super) fn redacted(&self, text: &str) -> String {
        redact(text, &self.keys, None)
    }

    /// Appends the provider's message and code.
    fn describe(&self, message: &mut String, parsed: &ErrorBody, request: Option<&Value>) {
        if let Some(text) = &parsed.message {
            message.push_str(": ");
            message.push_str(&redact(text, &self.keys, request));
        }
        // A code is a single word. Anything else could be a sentence that quotes the prompt.
        let is_code = |code: &&String| {
            code.len() <= 60
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        if let Some(code) = parsed.codes.iter().find(is_code) {
            message.push_str(" (");
            message.push_str(&redact(code, &self.keys, None));
            message.push(')');
        }
    }

    /// Converts a failed exchange: there was no response, or only a part of one.
    pub(super) fn transport(&self, error: reqwest::Error) -> AiError {
        let kind = match &error {
            error if error.is_connect() => AiErrorKind::Connection,
            error if error.is_timeout() => AiErrorKind::Timeout,
            error if error.is_builder() => AiErrorKind::InvalidRequest,
            _ => AiErrorKind::Connection,
        };
        let error = error.without_url();
        let mut message =
            format!("the connection to provider `{}` failed or was cut: {error}", self.provider);
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        AiError::new(kind, message)
    }

    /// Creates the error for a response that did not arrive in time.
    pub(super) fn timeout(&self, timeout: Duration) -> AiError {
        let message = format!("provider `{}` did not respond within {timeout:?}", self.provider);
        AiError::new(AiErrorKind::Timeout, message)
    }

    /// Converts an error in the JSON of a response. serde's own message is not used, since it quotes the response.
    pub(super) fn not_json(&self, error: &serde_json::Error) -> AiError {
        let what = match error.classify() {
            serde_json::error::Category::Data => "its JSON does not have the expected form",
            serde_json::error::Category::Eof => "its JSON is incomplete",
            _ => "it is not JSON",
        };
        self.malformed(format_args!("{what}, at line {} column {}", error.line(), error.column()))
    }

    pub(super) fn malformed(&self, what: impl fmt::Display) -> AiError {
        let message = format!("provider `{}` sent an invalid response: {what}", self.provider);
        AiError::new(AiErrorKind::InvalidResponse, message)
    }
}
