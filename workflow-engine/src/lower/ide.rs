//! The options of the macros, for editors: under `cfg(rust_analyzer)` an expansion imports the names that it finds from
//! here, so that they complete and show their documentation.

#![allow(non_upper_case_globals)]

/// Options of `#[stage]`.
pub mod stage {
    /// `id = "extract-text"`: the stage's id. Default: the function's name in kebab case.
    pub const id: () = ();
    /// `name = "Extract Text"`: the stage's name for people. Default: the function's name in title case.
    pub const name: () = ();
    /// `version = 2`: raised when a run in flight must not go on with this stage as it is. Default 1.
    pub const version: () = ();
    /// `retry(max_attempts = 5, backoff = exponential, initial = "1s", max = "5m", jitter)`: what follows an attempt
    /// that failed. Default: 3 attempts, exponential from 1 s to 5 min.
    pub const retry: () = ();
    /// `timeout = "30s"`: how long one attempt may take. Default: as long as it wants.
    pub const timeout: () = ();
    /// `budget = "0.50 USD"`: what its calls of models may cost in one run. Default: as much as the run may spend.
    pub const budget: () = ();
    /// `over_budget = fail` or `over_budget = wait`: what follows when a call is too dear. Default `fail`; with `wait`,
    /// the next attempt comes when the budget is raised.
    pub const over_budget: () = ();
    /// `require(path, …)`: stages that run before this one; `ctx.require::<path>()` reads their outputs.
    pub const require: () = ();
    /// `optional(path, …)`: stages that this one reads where a workflow has them, by `ctx.optional::<path>()`.
    pub const optional: () = ();
    /// `check = batch_done`: the stage waits; what its function returns is the ticket that this `#[check]` takes.
    pub const check: () = ();
    /// `poll_every = "1h"`: between two checks of a stage that waits. Default 30 s.
    pub const poll_every: () = ();
    /// `give_up_after = "24h"`: when a stage that waits fails. Default 24 h.
    pub const give_up_after: () = ();
}

/// Options of `#[check]`: its one option is a keyword.
pub mod check {}

/// Options of `retry(…)`.
pub mod retry {
    /// `max_attempts = 5`: how often the function runs at most. Default 3.
    pub const max_attempts: () = ();
    /// `backoff = exponential` or `backoff = fixed`. Default exponential: each waiting time doubles the one before.
    pub const backoff: () = ();
    /// `initial = "1s"`: the first waiting time. Default 1 s.
    pub const initial: () = ();
    /// `max = "5m"`: the longest waiting time. Default 5 min.
    pub const max: () = ();
    /// `jitter`: waiting times are spread, so that those who failed together do not come back together.
    pub const jitter: () = ();
}

/// Options of `#[config]`.
pub mod config {
    /// `default = 50_000`: the value when there is none in the configuration.
    pub const default: () = ();
    /// `flatten`: the parameter's fields stand among those of the configuration.
    pub const flatten: () = ();
    /// `range(0..=10)`: the least and the most that a number may be.
    pub const range: () = ();
    /// `length(1..=64)`: how long a text or a collection may be.
    pub const length: () = ();
    /// `pattern = "^[a-z]+$"`: a regular expression that a text matches.
    pub const pattern: () = ();
}

/// Options of `#[workflow]`.
pub mod workflow {
    /// `id = "document-processor"`: the workflow's id. Default: its name in kebab case.
    pub const id: () = ();
    /// `name = "Document Processor"`: the workflow's name for people. Default: its name in title case.
    pub const name: () = ();
    /// `version = 2`: raised when runs in flight must not go on with this definition. Default 1.
    pub const version: () = ();
}
