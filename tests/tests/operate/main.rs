//! What people see of an engine, and do to it: timelines, workers, the queue, layouts, forks and actions.

mod actions;
mod forks;
mod layout;
mod timeline;
mod workers;
