//! The delivery of events to the sink and the plugins, and dead letters.

mod fixture;
mod sinks;
mod plugins;
mod dead_letters;
mod flushers;
mod subscribers;
mod concurrency;
