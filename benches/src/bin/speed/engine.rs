//! The engine at work: throughput (W1, W3) and latency (W2).

use std::time::{Duration, Instant};

use benches::percentile;
use benches::workflows::{FirstInput, Small, chain, diamond, ending};
use workflow_engine::prelude::*;

use crate::line::Line;
use crate::load::submit;
use crate::place::{Kind, Place};
use crate::store::{Opened, memory, processor_seconds};
use crate::tuning::Tuning;
use crate::{Outcome, measure};

/// Runs before anything is measured: statements are prepared, pages are there.
const WARM_UP: u64 = 50;

/// W1 and W3: from the first start to the last completed.
pub async fn throughput<W>(work: &str, kind: Kind) -> Outcome<Line>
where
    W: Workflow<Input = FirstInput, Output = Small>,
{
    let (place, tuning) = (Place::given(kind)?, Tuning::given());
    let stages = W::definition().stages.len() as f64;
    let opened = Opened::open(&place, &tuning).await?;
    let engine = opened.builder(&tuning).register::<W>().build().await?;
    warm_up::<W>(&engine).await?;
    let mut side = place.connect().await?;

    let runs = tuning.runs.unwrap_or(measure::runs_of(work));
    let (before, processor, ended) = (opened.counts(), processor_seconds(), ending());
    let began = Instant::now();
    let starting = engine.clone();
    submit(runs, tuning.submitters, move |run| {
        let engine = starting.clone();
        async move {
            engine.start::<W>(FirstInput { run }).await?;
            Ok(())
        }
    })
    .await?;
    let submitted = began.elapsed().as_secs_f64();
    // Nobody asks the store before the last bodies have run: questions would be measured, too.
    while ending() < ended + runs {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while side.unfinished().await? > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed().as_secs_f64();
    let processor = processor_seconds() - processor;
    let after = opened.counts();
    if side.completed().await? != i64::try_from(runs + WARM_UP)? {
        return Err("not every run has completed".into());
    }
    engine.shutdown().await;

    let runs = runs as f64;
    let each = |at: usize| (after[at] - before[at]) / runs / stages;
    Ok(Line::new("engine", work, kind, tuning.note()).extend([
        ("runs", runs),
        ("runs_per_s", runs / took),
        ("stages_per_s", runs * stages / took),
        ("starts_per_s", runs / submitted),
        ("client_cpu_ms_per_run", processor * 1e3 / runs),
        ("commits_per_stage", each(0)),
        ("statements_per_stage", each(1)),
        ("requests_per_commit", (after[2] - before[2]) / (after[0] - before[0])),
        ("peak_mib", memory("VmHWM")),
    ]))
}

async fn warm_up<W>(engine: &Engine) -> Outcome<()>
where
    W: Workflow<Input = FirstInput, Output = Small>,
{
    for run in 0..WARM_UP {
        let output = engine.start::<W>(FirstInput { run }).await?.output().await?;
        assert_eq!(output.run, run, "the output is that of the run");
    }
    Ok(())
}

/// W2: one diamond at a time, from the start to the typed output in hand.
pub async fn latency(kind: Kind) -> Outcome<Line> {
    let (place, tuning) = (Place::given(kind)?, Tuning::given());
    let opened = Opened::open(&place, &tuning).await?;
    let engine = opened.builder(&tuning).register::<diamond>().build().await?;
    warm_up::<diamond>(&engine).await?;
    let runs = tuning.runs.unwrap_or(measure::runs_of("w2"));
    let before = opened.counts();
    let mut samples = Vec::new();
    for run in 0..runs {
        let began = Instant::now();
        let output = engine.start::<diamond>(FirstInput { run }).await?.output().await?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(output, Small::new(run, "last", 2), "the output is that of the run");
    }
    let after = opened.counts();
    engine.shutdown().await;
    samples.sort_by(f64::total_cmp);
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

/// W3.
pub async fn chains(kind: Kind) -> Outcome<Line> {
    throughput::<chain>("w3", kind).await
}

/// W1.
pub async fn diamonds(kind: Kind) -> Outcome<Line> {
    throughput::<diamond>("w1", kind).await
}
