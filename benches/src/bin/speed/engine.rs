//! Measures the engine's throughput (W1, W3) and latency (W2).

use std::time::{Duration, Instant};

use benches::percentile;
use benches::workflows::{FirstInput, Small, chain, diamond, ending};
use workflow_engine::EngineBuilder;
use workflow_engine::prelude::*;

use crate::Outcome;
use crate::line::Line;
use crate::load::submit;
use crate::place::{Kind, Place};
use crate::store::{Opened, memory, processor_seconds};
use crate::tuning::Tuning;

/// Runs before a measurement: they prepare statements and load pages.
pub const WARM_UP: u64 = 50;

/// An engine in this process, with its store and settings.
pub struct Bench {
    pub place: Place,
    pub tuning: Tuning,
    pub opened: Opened,
    pub engine: Engine,
}

impl Bench {
    /// Opens an engine with the workflow `W` and warms it up.
    pub async fn open<W>(kind: Kind) -> Outcome<Self>
    where
        W: Workflow<Input = FirstInput, Output = Small>,
    {
        Self::open_with::<W>(kind, |builder| builder).await
    }

    /// Opens an engine with the workflow `W` and further settings, and warms it up.
    pub async fn open_with<W>(kind: Kind, with: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Outcome<Self>
    where
        W: Workflow<Input = FirstInput, Output = Small>,
    {
        let (place, tuning) = (Place::from_env(kind)?, Tuning::from_env());
        let opened = Opened::open(&place, &tuning).await?;
        let engine = with(opened.builder(&tuning).register::<W>()).build().await?;
        warm_up::<W>(&engine).await?;
        Ok(Self { place, tuning, opened, engine })
    }

    /// Measures from the first start to the last completion. `others` is the number of completed runs that are not part of
    /// the measurement.
    pub async fn throughput<W>(&self, runs: u64, others: u64) -> Outcome<Vec<(&'static str, f64)>>
    where
        W: Workflow<Input = FirstInput, Output = Small>,
    {
        let stages = W::definition().stages.len() as f64;
        let mut side = self.place.connect().await?;
        let (before, processor, ended) = (self.opened.counts(), processor_seconds(), ending());
        let unfinished = side.unfinished().await?;
        let began = Instant::now();
        start_all::<W>(&self.engine, runs, self.tuning.submitters).await?;
        let submitted = began.elapsed().as_secs_f64();
        // No query before the last bodies have run: queries would be part of the measurement.
        while ending() < ended + runs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        while side.unfinished().await? > unfinished {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = began.elapsed().as_secs_f64();
        let processor = processor_seconds() - processor;
        let after = self.opened.counts();
        if side.completed().await? != i64::try_from(runs + others)? {
            return Err("not every run has completed".into());
        }
        let runs = runs as f64;
        let each = |at: usize| (after[at] - before[at]) / runs / stages;
        Ok(vec![
            ("runs", runs),
            ("runs_per_s", runs / took),
            ("stages_per_s", runs * stages / took),
            ("starts_per_s", runs / submitted),
            ("client_cpu_ms_per_run", processor * 1e3 / runs),
            ("commits_per_stage", each(0)),
            ("statements_per_stage", each(1)),
            ("statements_per_commit", (after[1] - before[1]) / (after[0] - before[0])),
            ("requests_per_commit", (after[2] - before[2]) / (after[0] - before[0])),
            ("peak_mib", memory("VmHWM")),
        ])
    }
}

/// Starts `runs` runs from `submitters` concurrent callers.
pub async fn start_all<W>(engine: &Engine, runs: u64, submitters: usize) -> Outcome<()>
where
    W: Workflow<Input = FirstInput, Output = Small>,
{
    let engine = engine.clone();
    submit(runs, submitters, move |run| {
        let engine = engine.clone();
        async move {
            engine.start::<W>(FirstInput { run }).await?;
            Ok(())
        }
    })
    .await
}

/// Executes some runs, one after another.
pub async fn warm_up<W>(engine: &Engine) -> Outcome<()>
where
    W: Workflow<Input = FirstInput, Output = Small>,
{
    for run in 0..WARM_UP {
        let output = engine.start::<W>(FirstInput { run }).await?.output().await?;
        assert_eq!(output.run, run, "the output is that of the run");
    }
    Ok(())
}

/// W1 and W3.
async fn throughput<W>(work: &str, kind: Kind) -> Outcome<Line>
where
    W: Workflow<Input = FirstInput, Output = Small>,
{
    let bench = Bench::open::<W>(kind).await?;
    let runs = bench.tuning.runs_of(work);
    let figures = bench.throughput::<W>(runs, WARM_UP).await?;
    bench.engine.shutdown().await;
    Ok(Line::new("engine", work, kind, bench.tuning.note()).extend(figures))
}

/// W1.
pub async fn diamonds(kind: Kind) -> Outcome<Line> {
    throughput::<diamond>("w1", kind).await
}

/// W3.
pub async fn chains(kind: Kind) -> Outcome<Line> {
    throughput::<chain>("w3", kind).await
}

/// W2: one diamond at a time, from the start to the typed output.
pub async fn latency(kind: Kind) -> Outcome<Line> {
    let bench = Bench::open::<diamond>(kind).await?;
    let runs = bench.tuning.runs_of("w2");
    let before = bench.opened.counts();
    let samples = one_at_a_time(&bench.engine, runs).await?;
    let after = bench.opened.counts();
    bench.engine.shutdown().await;
    let stages = runs as f64 * diamond::definition().stages.len() as f64;
    Ok(Line::new("engine", "w2", kind, "one at a time").extend([
        ("runs", runs as f64),
        ("p50_ms", percentile(&samples, 0.5)),
        ("p99_ms", percentile(&samples, 0.99)),
        ("commits_per_stage", (after[0] - before[0]) / stages),
        ("statements_per_stage", (after[1] - before[1]) / stages),
        ("statements_per_commit", (after[1] - before[1]) / (after[0] - before[0])),
    ]))
}

/// Returns the milliseconds from start to output of each run, sorted.
pub async fn one_at_a_time(engine: &Engine, runs: u64) -> Outcome<Vec<f64>> {
    let mut samples = Vec::new();
    for run in 0..runs {
        let began = Instant::now();
        let output = engine.start::<diamond>(FirstInput { run }).await?.output().await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(output, Small::new(run, "last", 2), "the output is that of the run");
    }
    samples.sort_by(f64::total_cmp);
    Ok(samples)
}
