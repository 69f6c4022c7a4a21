//! # The HTTP API of `workflow-engine`
//!
#![doc = include_str!("../docs/overview.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod grant;
mod token;
mod access;
mod problem;
mod settings;
mod server;
mod serve_error;
mod service;
mod listener;
mod app;
mod guard;
mod authorize;
mod login_limit;
mod http_metrics;
mod signature;
mod session;
mod request;
mod redact;
mod payload;
mod page;
mod ndjson;
mod audit;
mod view;
mod live;
mod bulk;
mod hook;
mod dashboard;
mod routes;
mod openapi;

pub use access::{Access, ClientAddress, Identity};
pub use grant::Grant;
pub use hook::Hooks;
pub use openapi::document as openapi;
pub use serve_error::ServeError;
pub use server::{RunningServer, Server};
pub use service::HttpService;
pub use token::{InvalidToken, Token};
