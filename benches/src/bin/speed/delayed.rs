//! Stages behind a `delay`, and runs that start later: they cost nothing before their instant, and keep it.

use std::time::Duration;

use benches::percentile;
use benches::workflows::{FirstInput, diamond, pausing, reminding};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use workflow_engine::prelude::*;

use crate::Outcome;
use crate::engine::{Bench, WARM_UP};
use crate::history::copy_run;
use crate::idle::queries;
use crate::line::Line;
use crate::place::Kind;
use crate::store::Switches;

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The delay of the stages and runs that are due during the measurement: as that of `pausing`.
const PAUSE: Duration = Duration::from_secs(1);

/// The stages and the runs, as many of each, that are due during the measurement, all at about the same time.
const DUE: u64 = 50;

/// The time after which the worker's loops have made their last pass.
const SETTLE: Duration = Duration::from_secs(3);

/// Beside `runs` stages that are due in a week, and as many runs that start then: W1, the cost of a worker at rest, and how
/// late stages and runs are that are due meanwhile.
pub async fn due_later(work: &str, kind: Kind, runs: u64) -> Outcome<Line> {
    let register =
        |builder: workflow_engine::EngineBuilder| builder.register::<reminding>().register::<pausing>();
    let bench = Bench::open_with::<diamond>(kind, register).await?;
    let mut side = bench.place.connect().await?;
    let stage = bench.engine.start::<reminding>(FirstInput { run: 0 }).await?;
    let run = bench.engine.start::<reminding>(FirstInput { run: 0 }).after(WEEK).await?;
    let waits = "SELECT (SELECT count(*) FROM workflow_job_queue WHERE status = 'PENDING')
        + (SELECT count(*) FROM workflow_runs WHERE status = 'PENDING' AND due_at IS NOT NULL)";
    while side.number(waits).await? < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    copy_run(&mut side, &stage.id().to_string(), 0, runs).await?;
    copy_run(&mut side, &run.id().to_string(), runs, runs).await?;
    side.analyze().await?;

    let measured = bench.tuning.runs_of("w1");
    let figures = bench.throughput::<diamond>(measured, WARM_UP).await?;
    let late = late(&bench.engine).await?;

    tokio::time::sleep(SETTLE).await;
    let (made, wakes) = (queries(&mut side).await?, Switches::so_far());
    let idle = Duration::from_secs(bench.tuning.seconds.unwrap_or(10));
    tokio::time::sleep(idle).await;
    let (wakes, made) = (wakes.since(), queries(&mut side).await? - made - 1.0);
    if side.number(waits).await? != i64::try_from(2 * runs + 2)? {
        return Err("some runs are no longer delayed".into());
    }
    bench.engine.shutdown().await;
    Ok(Line::new("engine", work, kind, bench.tuning.note()).extend(figures).extend([
        ("delayed", 2.0 * runs as f64),
        ("late_p50_ms", percentile(&late, 0.5)),
        ("late_max_ms", percentile(&late, 1.0)),
        ("idle_transactions_per_s", made.max(0.0) / idle.as_secs_f64()),
        ("idle_wakeups_per_s", wakes / idle.as_secs_f64()),
    ]))
}

/// Returns how many milliseconds after their instants stages and runs have started, sorted.
async fn late(engine: &Engine) -> Outcome<Vec<f64>> {
    let stages = try_join_all((0..DUE).map(|run| engine.start::<pausing>(FirstInput { run }).into_future()));
    let runs = (0..DUE).map(|run| engine.start::<diamond>(FirstInput { run }).after(PAUSE).into_future());
    let (stages, runs) = (stages.await?, try_join_all(runs).await?);
    let mut late = Vec::new();
    let since = |due: Option<DateTime<Utc>>, started: Option<DateTime<Utc>>| -> Outcome<f64> {
        let (due, started) = due.zip(started).ok_or("a stage or run has not started")?;
        let late = (started - due).num_microseconds().unwrap_or(i64::MAX);
        if late < 0 { Err("it has started early".into()) } else { Ok(late as f64 / 1e3) }
    };
    for run in stages {
        run.output().await?;
        let stages = run.stages().await?;
        let due = stages[0].completed_at.map(|at| at + TimeDelta::from_std(PAUSE).unwrap_or_default());
        late.push(since(due, stages[1].started_at)?);
    }
    for run in runs {
        run.output().await?;
        let record = run.record().await?;
        late.push(since(record.times.due_at, record.started_at)?);
    }
    late.sort_by(f64::total_cmp);
    Ok(late)
}
