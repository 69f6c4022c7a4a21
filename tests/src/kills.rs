//! Three worker processes that are killed again and again while they work, and what the run of each job shows afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{join_all, try_join_all};
use tokio::sync::Notify;
use workflow_engine::ports::{Clock, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

use crate::stored;
use crate::takeover::{Database, PauseInput, paused};

const WORKERS: usize = 3;
/// The jobs that each worker holds.
const SLOTS: usize = 32;
/// The time between two kills.
const INTERVAL: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Debug)]
pub struct Report {
    /// The number of killed processes.
    pub kills: usize,
    /// From the start of the workers to the end of the last run.
    pub elapsed: Duration,
    /// The number of jobs that were taken back, and of the commits that did it, by the dead worker.
    pub taken_back: BTreeMap<String, (usize, usize)>,
}

/// Executes `runs` runs in three processes of `program`, and kills one of them every 0.2 s while there is work, at most
/// `max_kills` times. A process is killed only after it has begun a body.
///
/// # Panics
/// When a run does not complete, or when a job was executed or taken back twice in one attempt.
pub async fn work_under_kills(database: &Database, program: &str, runs: u32, max_kills: usize) -> Report {
    let starter = database.engine().without_worker().build().await.expect("the store is available");
    let numbers: Vec<u32> = (0..runs).collect();
    let mut handles = Vec::new();
    for numbers in numbers.chunks(100) {
        let starts =
            numbers.iter().map(|&number| starter.start::<paused>(PauseInput { number }).into_future());
        handles.extend(try_join_all(starts).await.expect("the store is available"));
    }

    let mut tables = stored::Database::open(&database.url, database.schema.as_deref()).await;
    let clock = SystemClock;
    let began = clock.monotonic();
    let mut workers: Vec<_> = (0..WORKERS).map(|_| Worker::start(database, program)).collect();
    let mut bodies = Vec::new();
    let mut outputs = std::pin::pin!(join_all(handles.iter().map(RunHandle::output)));
    let mut kills = 0;
    let outputs = loop {
        if kills == max_kills {
            break outputs.await;
        }
        let due = async {
            clock.sleep(INTERVAL).await;
            workers[kills % WORKERS].begun.notified().await;
        };
        tokio::select! {
            outputs = &mut outputs => break outputs,
            () = due => {}
        }
        let dead = std::mem::replace(&mut workers[kills % WORKERS], Worker::start(database, program));
        bodies.extend(dead.kill());
        kills += 1;
        stored::check(&mut tables).await;
    };
    let elapsed = clock.monotonic().saturating_sub(began);
    for (number, output) in numbers.iter().zip(outputs) {
        assert_eq!(output.expect("no run fails"), *number);
    }
    for worker in workers {
        bodies.extend(worker.kill());
    }

    stored::check(&mut tables).await;
    tables.close().await;

    let total = bodies.len();
    let different: BTreeSet<String> = bodies.into_iter().collect();
    assert_eq!(different.len(), total, "no attempt was executed twice");
    let taken_back = taken_back(&handles).await;
    starter.shutdown().await;
    Report { kills, elapsed, taken_back }
}

/// Reads from the events of the runs which jobs were taken back, and from whom.
async fn taken_back(runs: &[RunHandle<paused>]) -> BTreeMap<String, (usize, usize)> {
    let mut instants = BTreeMap::<String, Vec<_>>::new();
    for run in runs {
        let mut next_attempt = 1;
        let events: Vec<_> = run.events().collect().await;
        for event in events {
            let event = event.expect("a readable store");
            match event.kind {
                EventKind::StageStarted { attempt, .. } => {
                    assert_eq!(attempt, next_attempt, "run {}: one start for each attempt", run.id());
                }
                EventKind::StageRetrying { attempt, error, .. } => {
                    assert_eq!(attempt, next_attempt, "run {}: each lease is taken once", run.id());
                    next_attempt += 1;
                    let worker = error.split('`').nth(1).expect("the error names the worker");
                    instants.entry(worker.to_owned()).or_default().push(event.at);
                }
                _ => {}
            }
        }
    }
    // All events of one commit have the same instant.
    let counts = |instants: Vec<_>| (instants.len(), instants.iter().collect::<BTreeSet<_>>().len());
    instants.into_iter().map(|(worker, instants)| (worker, counts(instants))).collect()
}

/// A worker process that prints a line for each body that begins.
struct Worker {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// Given with the first line.
    begun: Arc<Notify>,
    reader: JoinHandle<()>,
}

impl Worker {
    fn start(database: &Database, program: &str) -> Self {
        let mut command = Command::new(program);
        command.arg(SLOTS.to_string()).arg(&database.url).args(&database.schema).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the program is built");
        let output = process.stdout.take().expect("it is piped");
        let (lines, begun) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Notify::new()));
        let (kept, signal) = (Arc::clone(&lines), Arc::clone(&begun));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                signal.notify_one();
            }
        });
        Self { process, lines, begun, reader }
    }

    /// Kills the process; returns the lines that it has printed.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("a child of this process");
        self.process.wait().expect("a child of this process");
        self.reader.join().expect("it only reads");
        std::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
