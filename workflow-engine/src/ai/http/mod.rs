//! HTTP for all providers: requests, event streams, and errors that contain no key, no prompt and no response.

mod endpoint;
mod client;
mod body;
mod events;
mod sse;
mod options;
mod error_factory;
mod error_body;
mod retry_after;
mod redact;

pub(crate) use body::Lines;
pub(crate) use endpoint::Endpoint;
pub(crate) use events::EventStream;
pub(crate) use options::merge_options;
pub(crate) use sse::ServerEvent;
