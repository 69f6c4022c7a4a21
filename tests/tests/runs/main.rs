//! The life of a run: how it starts, proceeds, fails, is read, is rerun and is removed.

mod open;
mod settings;
mod configured_limits;
mod starts;
mod enqueue;
mod lifecycle;
mod attempts;
mod failures;
mod limits;
mod waiting;
mod outputs;
mod deadlines;
mod transactions;
mod by_command;
mod serverless;
mod fairness;
mod run_details;
mod run_lists;
mod any_run;
mod annotations;
mod bytes;
mod costs;
mod rerun;
mod reap_stuck;
mod retention;
