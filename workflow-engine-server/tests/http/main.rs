//! The HTTP API, over a real listener.

mod support;
mod sse;
mod access;
mod browsers;
mod bulk;
mod children;
mod choices;
mod costs;
mod dashboard;
mod document;
mod approvals;
mod schedules;
mod hooks;
mod limits;
mod live;
mod payloads;
mod runs;
mod secrets;
mod steering;
mod workflows;
