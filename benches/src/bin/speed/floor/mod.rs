//! The floor: writes the same rows of the same runs to the same tables, with hand-written code instead of the kernel.
//!
//! It has the engine's structure of commits: each stage is durable before the next one begins, operations that are ready
//! together share a transaction, and the completing commit claims the successors. It takes no locks, reads nothing, checks
//! no preconditions, cannot retry or recover, and sends no notifications. Its throughput is the upper bound of this
//! schema.

mod shape;
mod rows;
mod sqlite;
mod postgres;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use benches::percentile;
use benches::workflows::Small;
use tokio::sync::{mpsc, oneshot, watch};

use crate::Outcome;
use crate::line::Line;
use crate::load::submit;
use crate::place::{Kind, Place};
use crate::store::{Opened, memory, processor_seconds};
use crate::tuning::Tuning;
use rows::{Operation, Run};
use shape::Shape;

/// The number of operations that share a commit at most.
const BATCH: usize = 256;
const WARM_UP: u64 = 50;

/// Commits and operations so far.
#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    operations: AtomicU64,
}

impl Counts {
    fn add(&self, operations: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.operations.fetch_add(operations as u64, Ordering::Relaxed);
    }

    fn read(&self) -> [f64; 2] {
        [&self.commits, &self.operations].map(|count| count.load(Ordering::Relaxed) as f64)
    }
}

/// An operation, with the sender that reports its commit.
type Queued = (Operation, oneshot::Sender<()>);

/// The writers: on PostgreSQL several connections, each with its own runs; on SQLite one.
struct Floor {
    shape: Shape,
    writers: Vec<mpsc::UnboundedSender<Queued>>,
    counts: Arc<Counts>,
    ended: watch::Sender<u64>,
}

impl Floor {
    async fn open(shape: Shape, kind: Kind, tuning: &Tuning) -> Outcome<Arc<Self>> {
        let place = Place::from_env(kind)?;
        // The engine's own migrations create the tables.
        let opened = Opened::open(&place, tuning).await?;
        opened.close().await;
        let counts = Arc::new(Counts::default());
        let mut writers = Vec::new();
        match &place {
            Place::Sqlite { file } => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let (connection, counts) = (sqlite::connect(file)?, Arc::clone(&counts));
                std::thread::spawn(move || sqlite::serve(&connection, shape, receiver, &counts));
                writers.push(sender);
            }
            Place::Postgres { url } => {
                for _ in 0..tuning.connections.max(1) {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    let connection = postgres::connect(url).await?;
                    tokio::spawn(postgres::serve(connection, shape, receiver, Arc::clone(&counts)));
                    writers.push(sender);
                }
            }
        }
        Ok(Arc::new(Self { shape, writers, counts, ended: watch::Sender::new(0) }))
    }

    /// Queues an operation for a commit. Call it while the run is locked: the order must be that of the sequence numbers.
    fn put(&self, number: u64, operation: Operation) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let writer = &self.writers[number as usize % self.writers.len()];
        // If the writer has ended, the sender is dropped and the receiver gets an error.
        let _ = writer.send((operation, sender));
        receiver
    }

    async fn start(&self, number: u64) -> Outcome<Arc<Mutex<Run>>> {
        let (run, operation) = Run::start(&self.shape, number)?;
        self.put(number, operation).await?;
        Ok(Arc::new(Mutex::new(run)))
    }

    /// Runs a stage and its successors: the first successor in this task, the others in new tasks.
    async fn drive(self: Arc<Self>, run: Arc<Mutex<Run>>, number: u64, mut stage: usize) -> Outcome<()> {
        loop {
            let name = self.shape.stages[stage].id;
            let output = serde_json::to_string(&Small::new(number, name, stage as u64))?;
            let (committed, next) = {
                let mut run = run.lock().unwrap_or_else(PoisonError::into_inner);
                let (operation, next) = run.complete(&self.shape, stage, output)?;
                (self.put(number, operation), next)
            };
            committed.await?;
            if stage + 1 == self.shape.stages.len() {
                self.ended.send_modify(|ended| *ended += 1);
            }
            let Some((&first, others)) = next.split_first() else { return Ok(()) };
            for &other in others {
                tokio::spawn(Arc::clone(&self).boxed(Arc::clone(&run), number, other));
            }
            stage = first;
        }
    }

    /// Boxes the future: a future that spawns futures of its own type needs a nameable type.
    fn boxed(
        self: Arc<Self>,
        run: Arc<Mutex<Run>>,
        number: u64,
        stage: usize,
    ) -> std::pin::Pin<Box<dyn Future<Output = Outcome<()>> + Send>> {
        Box::pin(self.drive(run, number, stage))
    }

    async fn wait_for(&self, runs: u64) -> Outcome<()> {
        self.ended.subscribe().wait_for(|ended| *ended >= runs).await?;
        Ok(())
    }

    async fn run_alone(self: &Arc<Self>, number: u64) -> Outcome<()> {
        let before = *self.ended.borrow();
        let run = self.start(number).await?;
        Arc::clone(self).drive(run, number, 0).await?;
        // If the other branch was the last one, its task continues with the join.
        self.wait_for(before + 1).await
    }
}

/// W1 and W3.
pub async fn throughput(work: &str, kind: Kind) -> Outcome<Line> {
    let tuning = Tuning::from_env();
    let shape = if work == "w3" { Shape::CHAIN } else { Shape::DIAMOND };
    let floor = Floor::open(shape, kind, &tuning).await?;
    for number in 0..WARM_UP {
        floor.run_alone(number).await?;
    }
    let runs = tuning.runs_of(work);
    let (before, processor) = (floor.counts.read(), processor_seconds());
    let began = Instant::now();
    let starting = Arc::clone(&floor);
    submit(runs, tuning.submitters, move |number| {
        let floor = Arc::clone(&starting);
        async move {
            let run = floor.start(number).await?;
            tokio::spawn(floor.boxed(run, number, 0));
            Ok(())
        }
    })
    .await?;
    floor.wait_for(WARM_UP + runs).await?;
    let took = began.elapsed().as_secs_f64();
    let processor = processor_seconds() - processor;
    let after = floor.counts.read();
    let mut side = Place::from_env(kind)?.connect().await?;
    if side.completed().await? != i64::try_from(runs + WARM_UP)? {
        return Err("not every run has completed".into());
    }
    let (runs, stages) = (runs as f64, shape.stages.len() as f64);
    Ok(Line::new("floor", work, kind, format!("{} submitters", tuning.submitters)).extend([
        ("runs", runs),
        ("runs_per_s", runs / took),
        ("stages_per_s", runs * stages / took),
        ("client_cpu_ms_per_run", processor * 1e3 / runs),
        ("commits_per_stage", (after[0] - before[0]) / runs / stages),
        ("requests_per_commit", (after[1] - before[1]) / (after[0] - before[0])),
        ("peak_mib", memory("VmHWM")),
    ]))
}

/// W2.
pub async fn latency(kind: Kind) -> Outcome<Line> {
    let tuning = Tuning::from_env();
    let floor = Floor::open(Shape::DIAMOND, kind, &tuning).await?;
    for number in 0..WARM_UP {
        floor.run_alone(number).await?;
    }
    let runs = tuning.runs_of("w2");
    let mut samples = Vec::new();
    for number in 0..runs {
        let began = Instant::now();
        floor.run_alone(number).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
    }
    samples.sort_by(f64::total_cmp);
    Ok(Line::new("floor", "w2", kind, "one at a time").extend([
        ("runs", runs as f64),
        ("p50_ms", percentile(&samples, 0.5)),
        ("p99_ms", percentile(&samples, 0.99)),
    ]))
}
