//! What the providers share: requests over HTTP, keys that never show, and failures that say what to do about them.

mod endpoint;
mod client;
mod body;
mod events;
mod sse;
mod options;
mod fault;
mod error_body;
mod retry_after;
mod redact;

pub(crate) use body::Lines;
pub(crate) use endpoint::Endpoint;
pub(crate) use events::EventStream;
pub(crate) use options::lay_over;
pub(crate) use sse::ServerEvent;
