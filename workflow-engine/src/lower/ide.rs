//! The options of the macros, for editors. Under `cfg(rust_analyzer)`, an expansion imports the options that the user has
//! written from here, so that an editor can complete them and show their documentation.

#![allow(non_upper_case_globals)]

/// Options of `#[stage]`.
pub mod stage {
    /// `id = "extract-text"`: the stage's id. Default: the function's name in kebab case.
    pub const id: () = ();
    /// `name = "Extract Text"`: the stage's name for display. Default: the function's name in title case.
    pub const name: () = ();
    /// `version = 2`: raise it if a run in progress must not continue with the changed stage. Default 1.
    pub const version: () = ();
    /// `retry(max_attempts = 5, max_crashes = 3, backoff = exponential, initial = "1s", max = "5m", jitter)`: the retry
    /// policy. Default: 3 attempts, 3 crashes, exponential backoff from 1 s to at most 5 min.
    pub const retry: () = ();
    /// `timeout = "30s"`: the longest time for one attempt. Default: no limit.
    pub const timeout: () = ();
    /// `rename_all = "camelCase"`: the case of the keys of input and configuration in JSON. Default: as the parameters are
    /// named.
    pub const rename_all: () = ();
    /// `budget = "0.50 USD"`: the highest cost of the stage's AI calls in one run. Default: no limit other than the run's
    /// budget.
    pub const budget: () = ();
    /// `over_budget = fail` or `over_budget = wait`: the behaviour if an attempt fails because a call would exceed a budget.
    /// Default `fail`; with `wait`, the stage waits until the budget is raised.
    pub const over_budget: () = ();
    /// `require(path, …)`: stages that run before this one; `ctx.require::<path>()` reads their outputs.
    pub const require: () = ();
    /// `optional(path, …)`: stages that run before this one if the workflow contains them; `ctx.optional::<path>()` reads
    /// their outputs.
    pub const optional: () = ();
    /// `check = batch_done`: the stage waits for this `#[check]`, which takes the ticket that the stage's function returns.
    pub const check: () = ();
    /// `signal = Decision`: the stage waits for a signal with this payload, which is its output. The function returns what
    /// it asks.
    pub const signal: () = ();
    /// `poll_every = "1h"`: the time between two checks. Default 30 s.
    pub const poll_every: () = ();
    /// `give_up_after = "24h"`: the longest time until the stage is ready; then it fails. Default 24 h.
    pub const give_up_after: () = ();
}

/// Options of `#[check]`. `crate` is a keyword, which cannot be imported.
pub mod check {
    /// `rename_all = "camelCase"`: the case of the keys of the configuration in JSON. Default: as the parameters are named.
    pub const rename_all: () = ();
}

/// Options of `retry(…)`.
pub mod retry {
    /// `max_attempts = 5`: the highest number of attempts. Default 3.
    pub const max_attempts: () = ();
    /// `max_crashes = 3`: the highest number of attempts during which the worker is lost. They count apart from
    /// `max_attempts`. Default 3.
    pub const max_crashes: () = ();
    /// `backoff = exponential` or `backoff = fixed`. Default exponential: each delay is twice the one before.
    pub const backoff: () = ();
    /// `initial = "1s"`: the first delay. Default 1 s.
    pub const initial: () = ();
    /// `max = "5m"`: the longest delay. Default 5 min.
    pub const max: () = ();
    /// `jitter`: shortens each delay by up to half of it, so that runs that failed together are not retried together.
    pub const jitter: () = ();
}

/// Options of `#[config]`.
pub mod config {
    /// `default = 50_000`: the value if the configuration has none.
    pub const default: () = ();
    /// `flatten`: puts the parameter's fields among those of the configuration.
    pub const flatten: () = ();
    /// `rename = "maxLength"`: the key in JSON. Default: the parameter's name, or that of `rename_all`.
    pub const rename: () = ();
    /// `range(0..=10)`: the smallest and the largest value of a number.
    pub const range: () = ();
    /// `length(1..=64)`: the smallest and the largest length of a string or a collection.
    pub const length: () = ();
    /// `pattern = "^[a-z]+$"`: a regular expression that a string must match.
    pub const pattern: () = ();
}

/// Options of `#[input]`.
pub mod input {
    /// `rename = "maxLength"`: the key in JSON. Default: the parameter's name, or that of `rename_all`.
    pub const rename: () = ();
    /// `range(0..=10)`: the smallest and the largest value of a number.
    pub const range: () = ();
    /// `length(1..=64)`: the smallest and the largest length of a string or a collection.
    pub const length: () = ();
    /// `pattern = "^[a-z]+$"`: a regular expression that a string must match.
    pub const pattern: () = ();
}

/// Options of `#[workflow]`.
pub mod workflow {
    /// `id = "document-processor"`: the workflow's id. Default: its name in kebab case.
    pub const id: () = ();
    /// `name = "Document Processor"`: the workflow's name for display. Default: its name in title case.
    pub const name: () = ();
    /// `version = 2`: raise it if runs in progress must not continue with the changed workflow. Default 1.
    pub const version: () = ();
    /// `deadline = "2h"`: a run that has not ended that long after its creation fails. Default none.
    pub const deadline: () = ();
    /// `unknown_input = deny` or `unknown_input = ignore`: whether a run whose input has an unknown field is refused. Default
    /// `deny`.
    pub const unknown_input: () = ();
}
