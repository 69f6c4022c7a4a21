//! What the body of an error says, in the words of any provider.

use std::time::Duration;

use serde_json::Value;

use super::retry_after::delay;
use crate::ledger::ai_error::AiErrorKind;

/// An error as its provider tells it.
#[derive(Default)]
pub(super) struct Said {
    /// For people.
    pub(super) message: Option<String>,
    /// For programs: OpenAI's `code` and `type`, Anthropic's `type`, Google's `status` and `reason`.
    pub(super) words: Vec<String>,
    /// A status in the body, as OpenRouter and Google give it.
    pub(super) status: Option<u16>,
    /// Google's `RetryInfo`.
    pub(super) retry_after: Option<Duration>,
}

impl Said {
    pub(super) fn of(body: &Value) -> Self {
        // Google answers a stream that was refused with a list.
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        let mut said = Self::default();
        if let Some(message) = error.as_str() {
            said.message = Some(message.to_owned());
            return said;
        }
        let texts = ["message", "detail"].iter().find_map(|name| error.get(name)?.as_str());
        said.message = texts.map(str::to_owned);
        for name in ["code", "type", "status"] {
            match error.get(name) {
                Some(Value::String(word)) => said.words.push(word.clone()),
                Some(Value::Number(number)) => {
                    let status = number.as_u64().and_then(|number| u16::try_from(number).ok());
                    said.status = status.filter(|status| (400..600).contains(status)).or(said.status);
                }
                _ => {}
            }
        }
        // OpenRouter says so with 403 and nothing else that could be told from a wrong key.
        if error.pointer("/metadata/reasons").is_some_and(Value::is_array) {
            said.words.push("content_filter".to_owned());
        }
        // Anthropic's word for a limit that waiting does not lift stands apart from its `type`.
        let word = error.pointer("/details/error_code").and_then(Value::as_str);
        said.words.extend(word.map(str::to_owned));
        for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
            said.words.extend(detail.get("reason").and_then(Value::as_str).map(str::to_owned));
            said.retry_after =
                detail.get("retryDelay").and_then(Value::as_str).and_then(delay).or(said.retry_after);
        }
        said
    }

    /// What kind of failure it is. A word that says more than the status comes before it, another one after it.
    pub(super) fn kind(&self, status: Option<u16>) -> AiErrorKind {
        let words = || self.words.iter().map(|word| word.to_ascii_lowercase());
        if let Some(kind) = words().find_map(|word| exact(&word)) {
            return kind;
        }
        let status = status.or(self.status);
        if matches!(status, None | Some(400 | 413 | 422 | 500)) && self.is_about_length() {
            return AiErrorKind::ContextTooLong;
        }
        let rough = || words().find_map(|word| rough(&word)).unwrap_or(AiErrorKind::Overloaded);
        status.map_or_else(rough, of_status)
    }

    /// Most servers have no word for it.
    fn is_about_length(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        let phrases = [
            "context length",
            "context window",
            "context size",
            "prompt is too long",
            "input is too long",
            "exceeds the maximum number of tokens",
            "exceed context limit",
            "too many tokens",
        ];
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

/// Words that are more exact than the status they come with.
fn exact(word: &str) -> Option<AiErrorKind> {
    Some(match word {
        "context_length_exceeded" | "exceed_context_size_error" => AiErrorKind::ContextTooLong,
        "content_filter" | "content_policy_violation" => AiErrorKind::Refused,
        "invalid_api_key"
        | "api_key_invalid"
        // A quota comes with HTTP 429 as well, but waiting does not help.
        | "insufficient_quota"
        | "billing_error"
        | "billing_hard_limit_reached"
        | "enforced_spend_limit_reached" => AiErrorKind::Authentication,
        "model_not_found" => AiErrorKind::NotFound,
        _ => return None,
    })
}

/// Words that stand for a status, where there is none.
fn rough(word: &str) -> Option<AiErrorKind> {
    Some(match word {
        "rate_limit_error" | "rate_limit_exceeded" | "resource_exhausted" => AiErrorKind::RateLimited,
        "invalid_request_error"
        | "invalid_request"
        | "invalid_argument"
        | "failed_precondition"
        | "request_too_large" => AiErrorKind::InvalidRequest,
        "authentication_error" | "permission_error" | "permission_denied" | "unauthenticated" => {
            AiErrorKind::Authentication
        }
        "not_found_error" | "not_found" => AiErrorKind::NotFound,
        "timeout_error" | "deadline_exceeded" => AiErrorKind::Timeout,
        _ => return None,
    })
}

/// What an HTTP status means. Of those that nobody has named, 4xx blames the request and others the provider.
fn of_status(status: u16) -> AiErrorKind {
    match status {
        401..=403 => AiErrorKind::Authentication,
        404 => AiErrorKind::NotFound,
        408 => AiErrorKind::Timeout,
        429 => AiErrorKind::RateLimited,
        300..=499 => AiErrorKind::InvalidRequest,
        _ => AiErrorKind::Overloaded,
    }
}
