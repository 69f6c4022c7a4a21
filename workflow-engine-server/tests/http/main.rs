//! The HTTP API, over a real listener.

mod support;
mod access;
mod browsers;
mod document;
mod limits;
mod payloads;
mod runs;
mod secrets;
mod steering;
mod workflows;
