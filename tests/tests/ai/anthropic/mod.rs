//! Anthropic's wire format: the requests, and the conversion of every response.

mod fixture;
mod requests;
mod responses;
mod streams;
mod errors;
mod batches;
