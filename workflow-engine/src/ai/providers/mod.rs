//! Providers that speak over HTTP.

mod openai;

pub use openai::{OpenAi, TokenLimit};
