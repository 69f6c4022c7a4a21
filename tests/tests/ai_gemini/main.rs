//! Gemini's wire format: what is sent, and what is made of every answer.

mod fixture;
mod requests;
mod answers;
mod streams;
mod errors;
mod embeddings;
mod batches;
