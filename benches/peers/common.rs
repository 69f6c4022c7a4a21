//! What the peers' programs share: the work, and the line that they print, the same as the engine's own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Beyond this a measurement is given up, and says how far it came.
pub const LONGEST: Duration = Duration::from_secs(150);

/// What is to be done: `PROGRAM WORK STORE`.
#[derive(Clone)]
pub struct Work {
    pub name: String,
    pub store: String,
    pub runs: usize,
    pub submitters: usize,
}

impl Work {
    pub fn given() -> Self {
        let mut given = std::env::args().skip(1);
        let (name, store) = (given.next().expect("w1, w2 or w3"), given.next().expect("sqlite or postgres"));
        let usual = match name.as_str() {
            "w1" => 2_000,
            "w2" => 200,
            _ => 500,
        };
        Self { runs: number("BENCH_N", usual), submitters: number("BENCH_SUBMIT", 16), name, store }
    }

    pub fn is_chain(&self) -> bool {
        self.name == "w3"
    }

    pub fn is_latency(&self) -> bool {
        self.name == "w2"
    }

    /// From the first start to the last completed.
    pub fn print_throughput(&self, who: &str, note: &str, done: usize, began: Instant) {
        let runs_per_s = done as f64 / began.elapsed().as_secs_f64();
        let stages = if self.is_chain() { 10.0 } else { 4.0 };
        let note =
            if done < self.runs { format!("{note}; given up after {done} runs") } else { note.to_owned() };
        self.print(
            who,
            &note,
            &json!({"runs": done, "runs_per_s": runs_per_s, "stages_per_s": runs_per_s * stages}),
        );
    }

    /// From each start to its output; in seconds.
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
        // Nothing is left to be done in order: what is open goes with the process.
        std::process::exit(0);
    }
}

/// A number from the environment.
pub fn number<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// The database's URL.
pub fn url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL says where the store is")
}

/// The SQLite file, which does not exist yet.
pub fn file() -> String {
    std::env::var("BENCH_SQLITE").expect("BENCH_SQLITE says where the store is")
}

/// What every stage answers.
pub fn body(stage: &str, run: u64) -> Value {
    json!({"run": run, "stage": stage, "value": run + 1})
}

/// Calls `start` with 0, 1, 2, … below `runs` from so many callers; answers what it has answered.
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
                let mut answers = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return answers;
                    }
                    answers.push(start(number).await);
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
