//! apalis-workflow 1.0: `peer-apalis WORK postgres`.
//!
//! Recommended settings: LISTEN and a poll every 100 ms, batches of 100, 16 connections, two workers of 16 tasks.
//! Not measured on SQLite: its setup turns `synchronous` off there, so acknowledged work is not on disk.
//!
//! Throughput ends when the last body has run and the table has no unfinished job. Latency ends when the last body has
//! run, because there is no way to wait for an output.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_postgres::{Config, PostgresStorage};
use apalis_workflow::*;
use common::{LONGEST, Work, body, submit_all, url};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Notify;

static DONE: AtomicUsize = AtomicUsize::new(0);
static TOLD: Notify = Notify::const_new();

type Answer = Result<String, BoxDynError>;

// The nodes of a graph accept few types, so the JSON is passed as text.
fn run_of(value: &str) -> u64 {
    serde_json::from_str::<Value>(value).expect("it is ours")["run"].as_u64().unwrap_or(0)
}

fn ended() {
    DONE.fetch_add(1, Ordering::SeqCst);
    TOLD.notify_one();
}

async fn first(value: String) -> Answer {
    Ok(body("first", run_of(&value)).to_string())
}

async fn left(value: String) -> Answer {
    Ok(body("left", run_of(&value)).to_string())
}

async fn right(value: String) -> Answer {
    Ok(body("right", run_of(&value)).to_string())
}

async fn join((left, _right): (String, String)) -> Answer {
    let output = body("last", run_of(&left)).to_string();
    ended();
    Ok(output)
}

async fn link(value: String) -> Answer {
    Ok(body("link", run_of(&value)).to_string())
}

async fn last(value: String) -> Answer {
    let output = body("last", run_of(&value)).to_string();
    ended();
    Ok(output)
}

macro_rules! diamond {
    () => {{
        let graph = GraphFlow::new("diamond");
        let first = graph.add_task(first);
        let left = graph.add_task(left).depends_on(&first);
        let right = graph.add_task(right).depends_on(&first);
        graph.add_task(join).depends_on((&left, &right));
        graph.validate().expect("a graph");
        graph
    }};
}

macro_rules! chain {
    () => {
        SteppedFlow::new("chain")
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(link)
            .and_then(last)
    };
}

// The two flows have no common type.
macro_rules! drive {
    ($work:expr, $pool:expr, $flow:ident, $input:ty) => {{
        let (work, pool) = ($work, $pool);
        let backend = PostgresStorage::<$input>::new(&pool)
            .with_config(Config::default().queue("speed").batch_size(100))
            .with_pubsub()
            .poll_with_interval(Duration::from_millis(100));
        for number in 0..2 {
            let worker = WorkerBuilder::new(format!("worker-{number}"))
                .backend(backend.clone())
                .concurrency(16)
                .build($flow!());
            tokio::spawn(async move { worker.run().await.expect("a worker") });
        }
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let start = move |run: usize| {
            let mut backend = backend.clone();
            async move {
                let input = format!("{{\"run\":{run}}}");
                WorkflowSink::<String>::push_start(&mut backend, input).await.expect("a run");
            }
        };
        if work.is_latency() {
            let mut samples = Vec::new();
            for run in 0..work.runs + 3 {
                let (before, began) = (DONE.load(Ordering::SeqCst), Instant::now());
                start(run).await;
                while DONE.load(Ordering::SeqCst) == before && began.elapsed() < LONGEST {
                    let _ = tokio::time::timeout(Duration::from_millis(1), TOLD.notified()).await;
                }
                samples.push(began.elapsed().as_secs_f64());
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
            work.print_latency("apalis-workflow 1.0", "to the last body", samples.split_off(3));
        }
        let began = Instant::now();
        submit_all(work.runs, work.submitters, start).await;
        while DONE.load(Ordering::SeqCst) < work.runs && began.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let left = "SELECT count(*) FROM apalis.jobs WHERE status <> 'Done'";
        while began.elapsed() < LONGEST {
            let (left,): (i64,) = sqlx::query_as(left).fetch_one(&pool).await.expect("a count");
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        work.print_throughput(
            "apalis-workflow 1.0",
            "2 workers of 16",
            DONE.load(Ordering::SeqCst).min(work.runs),
            began,
        );
    }};
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let pool = PgPoolOptions::new().max_connections(16).connect(&url()).await.expect("the server is there");
    PostgresStorage::setup(&pool).await.expect("its tables");
    if work.is_chain() {
        drive!(work, pool, chain, String);
    } else {
        drive!(work, pool, diamond, Vec<u8>);
    }
}
