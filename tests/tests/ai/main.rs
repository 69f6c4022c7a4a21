//! Calls of models: the client, the providers, costs, batches, and the ledger of requests.

mod models;
mod stages;
mod objects;
mod streams;
mod secrets;
mod costs;
mod ledger;
mod stage_calls;
mod batches;
mod batch_stage;
mod sweep;
mod openai;
mod anthropic;
mod gemini;
