//! Several processes on one store: throughput with worker processes beside the one that starts runs (W4), and reaction
//! times.

use std::process::Stdio;
use std::time::{Duration, Instant};

use benches::percentile;
use benches::workflows::{FirstInput, ReadClockInput, Small, clock, diamond, now};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use workflow_engine::Engine;

use crate::Outcome;
use crate::engine::{WARM_UP, start_all, warm_up};
use crate::line::Line;
use crate::place::{Kind, Place};
use crate::store::Opened;
use crate::tuning::Tuning;

/// Runs per process that are executed before W1 is measured.
const WARM_UNDER_LOAD: u64 = 200;

/// The time after which a notification counts as missed.
const LOST: Duration = Duration::from_secs(3);

/// Runs a worker until its standard input ends: `speed worker STORE`.
pub async fn worker(kind: Kind) -> Outcome<()> {
    let tuning = Tuning::from_env();
    let opened = Opened::open(&Place::from_env(kind)?, &tuning).await?;
    let engine = opened.builder(&tuning).register::<diamond>().register::<clock>().build().await?;
    println!("ready");
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while input.next_line().await?.is_some() {}
    engine.shutdown().await;
    Ok(())
}

/// Worker processes.
struct Workers {
    running: Vec<(Child, ChildStdin)>,
}

impl Workers {
    async fn start(kind: Kind, number: usize) -> Outcome<Self> {
        let mut running = Vec::new();
        for _ in 0..number {
            // The child inherits the location of the store through the environment.
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["worker", kind.name()]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.kill_on_drop(true).spawn()?;
            let input = child.stdin.take().ok_or("no standard input")?;
            let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
            lines.next_line().await?.filter(|line| line == "ready").ok_or("a worker did not start")?;
            running.push((child, input));
        }
        Ok(Self { running })
    }

    async fn stop(self) -> Outcome<()> {
        for (mut child, mut input) in self.running {
            input.shutdown().await?;
            drop(input);
            child.wait().await?;
        }
        Ok(())
    }
}

/// Opens an engine that starts runs and waits for them, but does not execute them.
async fn starter(kind: Kind) -> Outcome<(Place, Engine)> {
    let (place, tuning) = (Place::from_env(kind)?, Tuning::from_env());
    let opened = Opened::open(&place, &tuning).await?;
    let builder = opened.builder(&tuning).register::<diamond>().register::<clock>();
    Ok((place, builder.without_worker().build().await?))
}

/// W1, executed by `processes` other processes.
pub async fn shared(work: &str, kind: Kind, processes: usize) -> Outcome<Line> {
    let tuning = Tuning::from_env();
    let (place, engine) = starter(kind).await?;
    let workers = Workers::start(kind, processes).await?;
    warm_up::<diamond>(&engine).await?;
    // After this, each process has opened all connections and prepared all statements.
    let warm = WARM_UNDER_LOAD * processes as u64;
    start_all::<diamond>(&engine, warm, tuning.submitters).await?;
    let mut side = place.connect().await?;
    while side.unfinished().await? > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let runs = tuning.runs_of("w1");
    let began = Instant::now();
    start_all::<diamond>(&engine, runs, tuning.submitters).await?;
    let submitted = began.elapsed().as_secs_f64();
    while side.unfinished().await? > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed().as_secs_f64();
    if side.completed().await? != i64::try_from(runs + warm + WARM_UP)? {
        return Err("not every run has completed".into());
    }
    // Typed outputs of runs that other processes executed are available, too.
    let output = engine.start::<diamond>(FirstInput { run: 3 }).await?.output().await?;
    assert_eq!(output, Small::new(3, "last", 2), "the output is that of the run");
    workers.stop().await?;
    engine.shutdown().await;
    let note = format!("{processes} worker processes, {}", tuning.note());
    Ok(Line::new("engine", work, kind, note).extend([
        ("processes", processes as f64),
        ("runs_per_s", runs as f64 / took),
        ("stages_per_s", runs as f64 * 4.0 / took),
        ("starts_per_s", runs as f64 / submitted),
    ]))
}

/// Measures from the acknowledged start of a run to its body, and from there to the output at the caller. One run at a
/// time, executed by this process or by another.
pub async fn reaction(work: &str, kind: Kind, is_other: bool) -> Outcome<Line> {
    let tuning = Tuning::from_env();
    let (engine, workers) = if is_other {
        let (_, engine) = starter(kind).await?;
        (engine, Workers::start(kind, 1).await?)
    } else {
        let opened = Opened::open(&Place::from_env(kind)?, &tuning).await?;
        let builder = opened.builder(&tuning).register::<clock>();
        (builder.build().await?, Workers { running: Vec::new() })
    };
    let (mut there, mut back, mut lost) = (Vec::new(), Vec::new(), 0.0);
    for number in 0..tuning.runs.unwrap_or(200) + 20 {
        let run = engine.start::<clock>(ReadClockInput { number }).await?;
        let started = now();
        let ran = if let Ok(ran) = tokio::time::timeout(LOST, run.output()).await {
            ran?
        } else {
            // This process missed the notification and would have waited for ever. A new call reads the output.
            lost += 1.0;
            run.output().await?
        };
        let received = now();
        // The first runs do not count: they prepare statements.
        if number >= 20 {
            // A body may run before the start is acknowledged.
            there.push(ran.saturating_sub(started) as f64 / 1e3);
            back.push(received.saturating_sub(ran) as f64 / 1e3);
        }
        // Lets all tasks become idle before the next run.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    workers.stop().await?;
    engine.shutdown().await;
    there.sort_by(f64::total_cmp);
    back.sort_by(f64::total_cmp);
    let note = if is_other { "by another process" } else { "in this process" };
    Ok(Line::new("engine", work, kind, note).extend([
        ("to_body_p50_ms", percentile(&there, 0.5)),
        ("to_body_p99_ms", percentile(&there, 0.99)),
        ("back_p50_ms", percentile(&back, 0.5)),
        ("back_p99_ms", percentile(&back, 0.99)),
        ("lost", lost),
    ]))
}
