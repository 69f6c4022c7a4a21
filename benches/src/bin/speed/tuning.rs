//! How the work is done; it reaches a measurement, ours or a peer's, through its environment.

use tokio::process::Command;

/// Settings of a measurement.
#[derive(Clone, Copy)]
pub struct Tuning {
    /// `None`: the work's own number.
    pub runs: Option<u64>,
    pub submitters: usize,
    pub concurrency: usize,
    pub connections: u32,
    /// What is acknowledged may be lost with the machine's power.
    pub is_relaxed: bool,
    /// How long one looks on where nothing happens; `None`: as long as usual.
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
    /// What the environment says.
    pub fn given() -> Self {
        let usual = Self::default();
        Self {
            runs: variable(RUNS),
            submitters: variable(SUBMITTERS).unwrap_or(usual.submitters),
            concurrency: variable(CONCURRENCY).unwrap_or(usual.concurrency),
            connections: variable(CONNECTIONS).unwrap_or(usual.connections),
            is_relaxed: variable(RELAXED).unwrap_or(usual.is_relaxed),
            seconds: variable(SECONDS),
        }
    }

    /// Says it to a process.
    pub fn tell(&self, command: &mut Command) {
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

    /// For people.
    pub fn note(&self) -> String {
        let relaxed = if self.is_relaxed { ", relaxed" } else { "" };
        format!("{} submitters, {} bodies{relaxed}", self.submitters, self.concurrency)
    }
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
