//! What a failure means for the ledger, and a failure of the ledger for the call.

use crate::ai::error::{AiError, AiErrorKind};
use crate::error::{Error, ErrorCode};
use crate::ledger::CallOutcome;

/// What became of a call that failed so.
///
/// It has cost nothing where the provider has said no before it began: the errors 400 to 499, and of those above 499 the
/// two that mean "not now" (503, 529). Everything else may have been made and paid: a connection that was cut, no answer
/// in time, an answer that cannot be read, the errors 500, 502 and 504, and a refusal that came as an answer.
pub(super) fn end_of(error: &AiError) -> CallOutcome {
    use AiErrorKind::{
        Authentication, BudgetExceeded, ContextTooLong, InvalidRequest, Ledger, NotFound, RateLimited,
        Unsupported,
    };
    let is_free = match error.status() {
        Some(status) => matches!(status, 400..=499 | 503 | 529),
        None => matches!(
            error.kind(),
            Authentication
                | BudgetExceeded
                | ContextTooLong
                | InvalidRequest
                | Ledger
                | NotFound
                | RateLimited
                | Unsupported
        ),
    };
    let error = error.to_string();
    if is_free { CallOutcome::Failed { error } } else { CallOutcome::Unknown { error } }
}

/// Why a call was not made, or its end not written.
pub(super) fn of_ledger(error: &Error) -> AiError {
    match error.code() {
        ErrorCode::BudgetExceeded => AiError::new(AiErrorKind::BudgetExceeded, error.to_string()),
        ErrorCode::LeaseLost => AiError::new(AiErrorKind::Cancelled, error.to_string()),
        _ if error.is_invalid_input() => AiError::new(AiErrorKind::InvalidRequest, error.to_string()),
        _ => AiError::new(AiErrorKind::Ledger, format!("the ledger of calls cannot be written: {error}")),
    }
}
