//! Shared code of the peers' programs: the work, and the line of results, in the same format as the engine's.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The time after which a measurement stops and reports how many runs it finished.
pub const LONGEST: Duration = Duration::from_secs(150);

/// The work to do: `PROGRAM WORK STORE`.
#[derive(Clone)]
pub struct Work {
    pub name: String,
    pub store: String,
    pub runs: usize,
    pub submitters: usize,
}

impl Work {
    pub fn from_args() -> Self {
        let mut given = std::env::args().skip(1);
        let (name, store) = (given.next().expect("w1, w2 or w3"), given.next().expect("sqlite or postgres"));
        let default = match name.as_str() {
            "w1" => 2_000,
            "w2" => 200,
            _ => 500,
        };
        Self { runs: number("BENCH_N", default), submitters: number("BENCH_SUBMIT", 16), name, store }
    }

    pub fn is_chain(&self) -> bool {
        self.name == "w3"
    }

    pub fn is_latency(&self) -> bool {
        self.name == "w2"
    }

    /// Prints the throughput from the first start to the last completion.
    pub fn print_throughput(&self, who: &str, note: &str, done: usize, began: Instant) {
        let runs_per_s = done as f64 / began.elapsed().as_secs_f64();
        let stages = if self.is_chain() { 10.0 } else { 4.0 };
        let note =
            if done < self.runs { format!("{note}; stopped after {done} runs") } else { note.to_owned() };
        self.print(
            who,
            &note,
            &json!({"runs": done, "runs_per_s": runs_per_s, "stages_per_s": runs_per_s * stages}),
        );
    }

    /// Prints the latency from each start to its output; the samples are in seconds.
    pub fn print_latency(&self, who: &str, note: &str, mut samples: Vec<f64>) {
        samples.sort_by(f64::total_cmp);
        let rank = |p: f64| (p * samples.len() as f64).ceil() as usize;
        let at = |p: f64| samples[rank(p).clamp(1, samples.len()) - 1] * 1e3;
        self.print(who, note, &json!({"runs": samples.len(), "p50_ms": at(0.5), "p99_ms": at(0.99)}));
    }

    fn print(&self, who: &str, note: &str, figures: &Value) {
        let mut line = json!({"who": who, "work": self.name, "store": self.store, "note": note});
        for (name, figure) in figures.as_object().expect("an object") {
            line[name] = figure.clone();
        }
        println!("{line}");
        // Exits without an orderly shutdown: the end of the process closes everything.
        std::process::exit(0);
    }
}

/// Reads a number from the environment.
pub fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Returns the URL of the database.
pub fn url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL is the location of the store")
}

/// Returns the path of the SQLite file, which does not exist yet.
pub fn file() -> String {
    std::env::var("BENCH_SQLITE").expect("BENCH_SQLITE is the location of the store")
}

/// Returns the output of every stage.
pub fn body(stage: &str, run: u64) -> Value {
    json!({"run": run, "stage": stage, "value": run + 1})
}

/// Calls `start` with 0, 1, 2, … below `runs` from `submitters` concurrent callers. Returns its results.
pub async fn submit_all<T, S, F>(runs: usize, submitters: usize, start: S) -> Vec<T>
where
    T: Send + 'static,
    S: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = T> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..submitters.max(1))
        .map(|_| {
            let (next, start) = (next.clone(), start.clone());
            tokio::spawn(async move {
                let mut results = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return results;
                    }
                    results.push(start(number).await);
                }
            })
        })
        .collect();
    let mut all = Vec::with_capacity(runs);
    for caller in callers {
        all.extend(caller.await.expect("no caller panics"));
    }
    all
}
