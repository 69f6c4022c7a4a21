//! underway 0.2: `peer-underway WORK postgres`.
//!
//! It has no fan-out, so a chain of four steps replaces the diamond. Recommended settings: 16 connections, a worker with
//! 16 tasks.
//!
//! Runs are enqueued through a different `Job` value than the one that executes them: with the same value, 0.2.0 takes
//! the index of the first step from the job in progress and skips steps.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{LONGEST, Work, submit_all, url};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Notify;
use underway::{Job, To};

#[derive(Clone, Serialize, Deserialize)]
struct Small {
    run: u64,
    stage: String,
    value: u64,
}

fn next(input: Small, stage: &str) -> Small {
    Small { run: input.run, stage: stage.into(), value: input.value + 1 }
}

#[derive(Clone, Default)]
struct Ended {
    runs: Arc<AtomicUsize>,
    told: Arc<Notify>,
}

macro_rules! step {
    ($name:literal) => {
        |_context, input: Small| async move { To::next(next(input, $name)) }
    };
}

macro_rules! job {
    ($work:expr, $pool:expr, $ended:expr) => {{
        let last = move |context: underway::job::Context<Ended>, input: Small| async move {
            let _ = next(input, "last");
            context.state.runs.fetch_add(1, Ordering::SeqCst);
            context.state.told.notify_one();
            To::done()
        };
        let begun = Job::builder().state($ended.clone()).step(step!("first")).step(step!("second"));
        let pool = $pool.clone();
        if $work.is_chain() {
            let middle = begun.step(step!("third")).step(step!("fourth")).step(step!("fifth"));
            let middle = middle.step(step!("sixth")).step(step!("seventh")).step(step!("eighth"));
            middle.step(step!("ninth")).step(last).name("speed").pool(pool).build().await.expect("a job")
        } else {
            begun.step(step!("third")).step(last).name("speed").pool(pool).build().await.expect("a job")
        }
    }};
}

async fn unfinished(pool: &PgPool) -> i64 {
    let sql = "SELECT count(*) FROM underway.task WHERE state::text <> 'succeeded'";
    let (count,): (i64,) = sqlx::query_as(sql).fetch_one(pool).await.expect("a count");
    count
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let options = PgPoolOptions::new().max_connections(16).min_connections(16);
    let pool = options.connect(&url()).await.expect("the server is there");
    underway::run_migrations(&pool).await.expect("its tables");
    let ended = Ended::default();
    let (executing, enqueueing) = (job!(work, pool, ended), job!(work, pool, ended));
    let mut worker = executing.worker();
    worker.set_concurrency_limit(16);
    tokio::spawn(async move { worker.run().await.expect("a worker") });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = move |run: usize| {
        let job = enqueueing.clone();
        async move {
            let input = Small { run: run as u64, stage: "start".into(), value: 0 };
            job.enqueue(&input).await.map(drop).expect("a run");
        }
    };
    if work.is_latency() {
        let mut samples = Vec::new();
        for run in 0..work.runs + 5 {
            let (before, began) = (ended.runs.load(Ordering::SeqCst), Instant::now());
            start(run).await;
            while ended.runs.load(Ordering::SeqCst) == before && began.elapsed() < LONGEST {
                let _ = tokio::time::timeout(Duration::from_millis(1), ended.told.notified()).await;
            }
            samples.push(began.elapsed().as_secs_f64());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        work.print_latency("underway 0.2", "a chain of 4, to the last body", samples.split_off(5));
    }
    let began = Instant::now();
    submit_all(work.runs, work.submitters, start).await;
    while ended.runs.load(Ordering::SeqCst) < work.runs && began.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    while unfinished(&pool).await > 0 && began.elapsed() < LONGEST {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let note = if work.is_chain() { "16 tasks" } else { "a chain of 4, 16 tasks" };
    work.print_throughput("underway 0.2", note, ended.runs.load(Ordering::SeqCst).min(work.runs), began);
}
