//! Failures of requests, as errors that show no key, no prompt and no answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;

use super::error_body::Said;
use super::redact::redact;
use super::retry_after::retry_after;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// Makes the errors of one provider.
#[derive(Clone)]
pub(super) struct ErrorFactory {
    pub(super) provider: Arc<str>,
    /// Never to be shown.
    pub(super) keys: Vec<SecretString>,
}

impl ErrorFactory {
    /// An answer with a status that is no success.
    pub(super) fn answered(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        request: Option<&Value>,
    ) -> AiError {
        let said = serde_json::from_slice(body).map(|body| Said::of(&body)).unwrap_or_default();
        let mut message = format!("provider `{}` answered {status}", self.provider);
        if (300..400).contains(&status) {
            message.push_str(", which leads elsewhere; give the base URL it leads to");
        }
        self.describe(&mut message, &said, request);
        let error = AiError::new(said.kind(Some(status)), message).with_status(status);
        match retry_after(headers).or(said.retry_after) {
            Some(delay) if error.is_retryable() => error.with_retry_after(delay),
            _ => error,
        }
    }

    /// An error in an answer whose own status is a success.
    pub(super) fn reported(&self, error: &Value, status: Option<u16>, request: Option<&Value>) -> AiError {
        let said = Said::of(error);
        let status = status.or(said.status);
        let mut message = format!("provider `{}` reported an error", self.provider);
        self.describe(&mut message, &said, request);
        let mut error = AiError::new(said.kind(status), message);
        if let Some(status) = status {
            error = error.with_status(status);
        }
        match said.retry_after {
            Some(delay) if error.is_retryable() => error.with_retry_after(delay),
            _ => error,
        }
    }

    /// Without keys, and not too long.
    pub(super) fn shown(&self, text: &str) -> String {
        redact(text, &self.keys, None)
    }

    /// What the provider says, after `message`.
    fn describe(&self, message: &mut String, said: &Said, request: Option<&Value>) {
        if let Some(text) = &said.message {
            message.push_str(": ");
            message.push_str(&redact(text, &self.keys, request));
        }
        // A word for programs is one word; anything else may be a sentence that repeats the prompt.
        let is_word = |word: &&String| {
            word.len() <= 60
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        if let Some(word) = said.words.iter().find(is_word) {
            message.push_str(" (");
            message.push_str(&redact(word, &self.keys, None));
            message.push(')');
        }
    }

    /// No answer, or half of one.
    pub(super) fn transport(&self, error: reqwest::Error) -> AiError {
        let kind = match &error {
            error if error.is_connect() => AiErrorKind::Connection,
            error if error.is_timeout() => AiErrorKind::Timeout,
            error if error.is_builder() => AiErrorKind::InvalidRequest,
            _ => AiErrorKind::Connection,
        };
        let error = error.without_url();
        let mut message = format!("no connection to provider `{}`, or it was cut: {error}", self.provider);
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message.push_str(": ");
            message.push_str(&error.to_string());
            cause = error.source();
        }
        AiError::new(kind, message)
    }

    /// Nothing came for so long.
    pub(super) fn timeout(&self, timeout: Duration) -> AiError {
        let message = format!("provider `{}` did not answer within {timeout:?}", self.provider);
        AiError::new(AiErrorKind::Timeout, message)
    }

    /// Not what was asked for. serde's own text would repeat what it found.
    pub(super) fn not_json(&self, error: &serde_json::Error) -> AiError {
        let what = match error.classify() {
            serde_json::error::Category::Data => "its JSON is not of the form that was expected",
            serde_json::error::Category::Eof => "its JSON ends in the middle",
            _ => "it is not JSON",
        };
        self.malformed(format_args!("{what}, at line {} column {}", error.line(), error.column()))
    }

    pub(super) fn malformed(&self, what: impl fmt::Display) -> AiError {
        let message = format!("provider `{}` answered what cannot be read: {what}", self.provider);
        AiError::new(AiErrorKind::InvalidResponse, message)
    }
}
