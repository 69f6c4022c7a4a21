//! The body of an error response, in the format of any provider.

use std::time::Duration;

use serde_json::Value;

use super::retry_after::delay;
use crate::ledger::ai_error::AiErrorKind;

/// The parsed body of an error.
#[derive(Default)]
pub(super) struct ErrorBody {
    /// The message for people.
    pub(super) message: Option<String>,
    /// The codes for programs: OpenAI's `code` and `type`, Anthropic's `type`, Google's `status` and `reason`.
    pub(super) codes: Vec<String>,
    /// The HTTP status in the body, which OpenRouter and Google provide.
    pub(super) status: Option<u16>,
    /// The delay in Google's `RetryInfo`.
    pub(super) retry_after: Option<Duration>,
}

impl ErrorBody {
    pub(super) fn parse(body: &Value) -> Self {
        // Google wraps the error of a refused stream in a list.
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
        let mut parsed = Self::default();
        if let Some(message) = error.as_str() {
            parsed.message = Some(message.to_owned());
            return parsed;
        }
        let texts = ["message", "detail"].iter().find_map(|name| error.get(name)?.as_str());
        parsed.message = texts.map(str::to_owned);
        for name in ["code", "type", "status"] {
            match error.get(name) {
                Some(Value::String(code)) => parsed.codes.push(code.clone()),
                Some(Value::Number(number)) => {
                    let status = number.as_u64().and_then(|number| u16::try_from(number).ok());
                    parsed.status = status.filter(|status| (400..600).contains(status)).or(parsed.status);
                }
                _ => {}
            }
        }
        // OpenRouter reports a moderated prompt with status 403; only this field distinguishes it from a wrong key.
        if error.pointer("/metadata/reasons").is_some_and(Value::is_array) {
            parsed.codes.push("content_filter".to_owned());
        }
        // Anthropic reports a spend limit, which waiting does not lift, in this field and not in `type`.
        let code = error.pointer("/details/error_code").and_then(Value::as_str);
        parsed.codes.extend(code.map(str::to_owned));
        for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
            parsed.codes.extend(detail.get("reason").and_then(Value::as_str).map(str::to_owned));
            parsed.retry_after =
                detail.get("retryDelay").and_then(Value::as_str).and_then(delay).or(parsed.retry_after);
        }
        parsed
    }

    /// Returns the kind of failure. A specific code takes precedence over the status, the status over a general code.
    pub(super) fn kind(&self, status: Option<u16>) -> AiErrorKind {
        let codes = || self.codes.iter().map(|code| code.to_ascii_lowercase());
        if let Some(kind) = codes().find_map(|code| specific(&code)) {
            return kind;
        }
        let status = status.or(self.status);
        if matches!(status, None | Some(400 | 413 | 422 | 500)) && self.is_about_length() {
            return AiErrorKind::ContextTooLong;
        }
        let by_code = || codes().find_map(|code| general(&code)).unwrap_or(AiErrorKind::Overloaded);
        status.map_or_else(by_code, of_status)
    }

    /// Whether the prompt is too long. Most servers report this only in the message.
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

/// Codes that are more specific than the status they come with.
fn specific(code: &str) -> Option<AiErrorKind> {
    Some(match code {
        "context_length_exceeded" | "exceed_context_size_error" => AiErrorKind::ContextTooLong,
        "content_filter" | "content_policy_violation" => AiErrorKind::Refused,
        "invalid_api_key"
        | "api_key_invalid"
        // An exhausted quota also has status 429, but waiting does not help.
        | "insufficient_quota"
        | "billing_error"
        | "billing_hard_limit_reached"
        | "enforced_spend_limit_reached" => AiErrorKind::Authentication,
        "model_not_found" => AiErrorKind::NotFound,
        _ => return None,
    })
}

/// Codes that are used if there is no status.
fn general(code: &str) -> Option<AiErrorKind> {
    Some(match code {
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

/// Returns the meaning of an HTTP status. Other 4xx statuses blame the request, other statuses the provider.
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
