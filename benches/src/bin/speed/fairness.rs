//! Measures the effect of a long queue on urgent runs, on another workflow, on callers that start runs, and on memory.

use std::time::{Duration, Instant};

use benches::percentile;
use benches::workflows::{InflateInput, ReadClockInput, RestInput, clock, diamond, large, resting};
use workflow_engine::Engine;

use crate::Outcome;
use crate::engine::Bench;
use crate::line::Line;
use crate::load::submit;
use crate::place::{Kind, Place, Side};
use crate::store::{Opened, memory};
use crate::tuning::Tuning;

/// The length of a queue, in runs.
const QUEUED: u64 = 100_000;

/// The longest time to wait for an output.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts `runs` runs that take 40 ms each in two stages.
async fn queue(engine: &Engine, runs: u64, submitters: usize) -> Outcome<f64> {
    let (engine, began) = (engine.clone(), Instant::now());
    submit(runs, submitters, move |number| {
        let engine = engine.clone();
        async move {
            engine.start::<resting>(RestInput { number }).await?;
            Ok(())
        }
    })
    .await?;
    Ok(runs as f64 / began.elapsed().as_secs_f64())
}

async fn bench(kind: Kind) -> Outcome<Bench> {
    Bench::open_with::<diamond>(kind, |builder| {
        builder.register::<resting>().register::<clock>().register::<large>()
    })
    .await
}

async fn finished(side: &mut Side) -> Outcome<i64> {
    let sql = "SELECT count(*) FROM workflow_runs WHERE workflow_id = 'resting' AND completed_at IS NOT NULL";
    side.number(sql).await
}

/// Urgent runs behind a queue: the time of each, and the number of queued runs that are executed meanwhile.
pub async fn priorities(work: &str, kind: Kind) -> Outcome<Line> {
    let bench = bench(kind).await?;
    let mut side = bench.place.connect().await?;
    let queued = bench.tuning.runs.unwrap_or(10_000);
    queue(&bench.engine, queued, bench.tuning.submitters).await?;
    let before = finished(&mut side).await?;
    let mut samples = Vec::new();
    for number in 0..20 {
        let began = Instant::now();
        let run = bench.engine.start::<clock>(ReadClockInput { number }).priority(9).await?;
        // Without priorities, a run would wait for the whole queue.
        let output = tokio::time::timeout(TIMEOUT, run.output()).await;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        if output.is_err() {
            break;
        }
    }
    let overtaking = finished(&mut side).await? - before;
    let left = side.unfinished().await?;
    samples.sort_by(f64::total_cmp);
    let each = overtaking as f64 / samples.len() as f64;
    Ok(Line::new("engine", work, kind, format!("{queued} queued, {} bodies", bench.tuning.concurrency))
        .extend([
            ("queued", queued as f64),
            ("left", left as f64),
            ("p50_ms", percentile(&samples, 0.5)),
            ("p99_ms", percentile(&samples, 0.99)),
            ("others_meanwhile_each", each),
        ]))
}

/// Runs of another workflow behind 100,000 runs of one workflow, at the same priority. Also measures how fast starts are
/// acknowledged while the worker is overloaded, and the peak memory.
pub async fn crowd(work: &str, kind: Kind) -> Outcome<Line> {
    let bench = bench(kind).await?;
    let queued = bench.tuning.runs.unwrap_or(QUEUED);
    let resident = memory("VmRSS");
    let starts_per_s = queue(&bench.engine, queued, bench.tuning.submitters).await?;
    let mut samples = Vec::new();
    for number in 0..10 {
        let began = Instant::now();
        let run = bench.engine.start::<clock>(ReadClockInput { number }).await?;
        let output = tokio::time::timeout(TIMEOUT, run.output()).await;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        if output.is_err() {
            break;
        }
    }
    let left = bench.place.connect().await?.unfinished().await?;
    samples.sort_by(f64::total_cmp);
    Ok(Line::new("engine", work, kind, format!("{queued} queued, {} bodies", bench.tuning.concurrency))
        .extend([
            ("queued", queued as f64),
            ("left", left as f64),
            ("starts_per_s", starts_per_s),
            ("p50_ms", percentile(&samples, 0.5)),
            ("max_ms", percentile(&samples, 1.0)),
            ("before_mib", resident),
            ("peak_mib", memory("VmHWM")),
        ]))
}

/// Starts of runs while sleeping bodies occupy every slot of the worker.
pub async fn saturated(work: &str, kind: Kind) -> Outcome<Line> {
    let bench = bench(kind).await?;
    // Four times the number of slots, so that none of these starts finds a free slot.
    queue(&bench.engine, 4 * bench.tuning.concurrency as u64, bench.tuning.submitters).await?;
    let mut samples = Vec::new();
    let runs = bench.tuning.runs.unwrap_or(2_000);
    for number in 0..100 {
        let began = Instant::now();
        bench.engine.start::<resting>(RestInput { number }).await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let starts_per_s = queue(&bench.engine, runs, bench.tuning.submitters).await?;
    let left = bench.place.connect().await?.unfinished().await?;
    samples.sort_by(f64::total_cmp);
    Ok(Line::new(
        "engine",
        work,
        kind,
        format!("{} bodies of 20 ms, all slots taken", bench.tuning.concurrency),
    )
    .extend([
        ("starts_per_s", starts_per_s),
        ("left", left as f64),
        ("p50_ms", percentile(&samples, 0.5)),
        ("p99_ms", percentile(&samples, 0.99)),
    ]))
}

/// 50 outputs of 10 MiB.
pub async fn outputs(work: &str, kind: Kind) -> Outcome<Line> {
    let (place, tuning) = (Place::from_env(kind)?, Tuning::from_env());
    let opened = Opened::open(&place, &tuning).await?;
    let engine = opened.builder(&tuning).register::<large>().build().await?;
    let resident = memory("VmRSS");
    let began = Instant::now();
    let mut runs = Vec::new();
    for _ in 0..50 {
        runs.push(engine.start::<large>(InflateInput { mebibytes: 10 }).await?);
    }
    for run in runs {
        assert_eq!(run.output().await?.len(), 10 << 20, "the output is complete");
    }
    let took = began.elapsed().as_secs_f64();
    engine.shutdown().await;
    Ok(Line::new("engine", work, kind, "50 outputs of 10 MiB, all at once").extend([
        ("seconds", took),
        ("before_mib", resident),
        ("peak_mib", memory("VmHWM")),
    ]))
}
