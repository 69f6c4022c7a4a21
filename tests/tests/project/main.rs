//! The project itself: its documents, its rules, what it publishes, and the first minutes of a newcomer.

mod documents;
mod error_codes;
mod json_commands;
mod tidy;
mod published;
mod newcomer;
