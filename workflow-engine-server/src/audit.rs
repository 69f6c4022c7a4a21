//! The audit log: who did what.

use http::request::Parts;

use crate::authorize::{Caller, Via};

/// The target of its lines.
const TARGET: &str = "workflow_engine::audit";

impl Via {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::Access(via) => via,
            Self::Open => "open",
            Self::Hook => "hook",
        }
    }
}

/// Logs an action.
pub(crate) fn action(caller: &Caller, action: &str, subject: impl std::fmt::Display, outcome: &str) {
    tracing::info!(
        target: TARGET,
        by = caller.name,
        via = caller.via.as_str(),
        request_id = caller.request_id,
        action,
        %subject,
        outcome,
        "an action from outside"
    );
}

/// Logs an action that was refused because of its sender.
pub(crate) fn refused(caller: &Caller, parts: &Parts, code: &str) {
    tracing::warn!(
        target: TARGET,
        by = caller.name,
        via = caller.via.as_str(),
        request_id = caller.request_id,
        action = parts.method.as_str(),
        subject = parts.uri.path(),
        outcome = code,
        "an action from outside was refused"
    );
}
