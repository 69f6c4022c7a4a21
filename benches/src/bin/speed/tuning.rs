//! The settings of a measurement. The engine's and the peers' measurements read them from the environment.

use tokio::process::Command;

/// Settings of a measurement.
#[derive(Clone, Copy)]
pub struct Tuning {
    /// The number of runs; `None` for the default of each work.
    pub runs: Option<u64>,
    pub submitters: usize,
    pub concurrency: usize,
    pub connections: u32,
    /// Whether a power failure may lose acknowledged commits.
    pub is_relaxed: bool,
    /// How long an idle worker is observed, in seconds; `None` for the default.
    pub seconds: Option<u64>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            runs: None,
            submitters: 16,
            concurrency: 128,
            connections: 4,
            is_relaxed: false,
            seconds: None,
        }
    }
}

const RUNS: &str = "BENCH_N";
const SUBMITTERS: &str = "BENCH_SUBMIT";
const CONCURRENCY: &str = "BENCH_CONCURRENCY";
const CONNECTIONS: &str = "BENCH_CONNECTIONS";
const RELAXED: &str = "BENCH_RELAXED";
const SECONDS: &str = "BENCH_SECONDS";

impl Tuning {
    /// Reads the settings from the environment.
    pub fn from_env() -> Self {
        let default = Self::default();
        Self {
            runs: variable(RUNS),
            submitters: variable(SUBMITTERS).unwrap_or(default.submitters),
            concurrency: variable(CONCURRENCY).unwrap_or(default.concurrency),
            connections: variable(CONNECTIONS).unwrap_or(default.connections),
            is_relaxed: variable(RELAXED).unwrap_or(default.is_relaxed),
            seconds: variable(SECONDS),
        }
    }

    /// Sets the environment of a measurement's process.
    pub fn apply_to(&self, command: &mut Command) {
        if let Some(runs) = self.runs {
            command.env(RUNS, runs.to_string());
        }
        command.env(SUBMITTERS, self.submitters.to_string());
        command.env(CONCURRENCY, self.concurrency.to_string());
        command.env(CONNECTIONS, self.connections.to_string());
        if self.is_relaxed {
            command.env(RELAXED, "true");
        }
        if let Some(seconds) = self.seconds {
            command.env(SECONDS, seconds.to_string());
        }
    }

    /// Returns the number of runs of a work: the setting, or the default of the work.
    pub fn runs_of(&self, work: &str) -> u64 {
        self.runs.unwrap_or(match work {
            "w1" => 2_000,
            "w2" => 200,
            _ => 500,
        })
    }

    /// Returns a description of the settings.
    pub fn note(&self) -> String {
        let relaxed = if self.is_relaxed { ", relaxed" } else { "" };
        format!("{} submitters, {} bodies{relaxed}", self.submitters, self.concurrency)
    }
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
