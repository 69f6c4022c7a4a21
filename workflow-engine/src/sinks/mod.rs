//! Sinks that are there: events to a channel of this process, or to its log.

mod broadcast;
mod log;

pub use log::TracingSink;
