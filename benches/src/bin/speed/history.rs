//! W4: finished, suspended or delayed runs in the tables, which must not slow down other runs.

use std::time::Duration;

use benches::percentile;
use benches::workflows::{RefuseInput, SubmitInput, delayed, diamond, waiting};
use workflow_engine::EngineBuilder;

use crate::Outcome;
use crate::engine::{Bench, WARM_UP, one_at_a_time};
use crate::line::Line;
use crate::place::{Kind, Side};
use crate::store::Switches;

/// The tables with rows of a trivial run.
const TABLES: [&str; 4] = ["workflow_runs", "workflow_stage_rows", "workflow_commits", "workflow_job_queue"];

/// Rows per statement: one transaction for all rows would fill the log.
const CHUNK: u64 = 50_000;

/// W1 and a part of W2, with `runs` finished runs in the tables.
pub async fn finished(work: &str, kind: Kind, runs: u64) -> Outcome<Line> {
    let bench = Bench::open::<diamond>(kind).await?;
    let mut side = bench.place.connect().await?;
    let newest = "SELECT CAST(max(CAST(id AS TEXT)) AS TEXT) FROM workflow_runs";
    let template = side.text(newest).await?;
    copy_run(&mut side, &template, 0, runs).await?;
    side.analyze().await?;
    let scans = scans(&mut side).await?;
    let measured = bench.tuning.runs_of("w1");
    let figures = bench.throughput::<diamond>(measured, WARM_UP + runs).await?;
    let samples = one_at_a_time(&bench.engine, 100).await?;
    bench.engine.shutdown().await;
    let line = Line::new("engine", work, kind, bench.tuning.note()).extend(figures).extend([
        ("finished", runs as f64),
        ("p50_ms", percentile(&samples, 0.5)),
        ("p99_ms", percentile(&samples, 0.99)),
    ]);
    Ok(match scans {
        Some(before) => {
            let after = self::scans(&mut side).await?.unwrap_or_default();
            line.extend([("rows_scanned", after - before)])
        }
        None => line,
    })
}

/// W1 with `runs` runs whose jobs are due in a week, and the time of runs that a worker claims from the queue meanwhile.
pub async fn retried(work: &str, kind: Kind, runs: u64) -> Outcome<Line> {
    let bench = Bench::open_with::<diamond>(kind, EngineBuilder::register::<delayed>).await?;
    let mut side = bench.place.connect().await?;
    let run = bench.engine.start::<delayed>(RefuseInput { number: 0 }).await?;
    let waits = "SELECT count(*) FROM workflow_job_queue WHERE status = 'PENDING' AND attempt = 1";
    while side.number(waits).await? == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    copy_run(&mut side, &run.id().to_string(), 0, runs).await?;
    side.analyze().await?;
    let measured = bench.tuning.runs_of("w1");
    let figures = bench.throughput::<diamond>(measured, WARM_UP).await?;
    // An engine without a worker claims nothing when it starts a run, so the worker finds it in the queue.
    let builder = bench.opened.builder(&bench.tuning).register::<diamond>();
    let starter = builder.without_worker().build().await?;
    let samples = one_at_a_time(&starter, bench.tuning.runs_of("w2")).await?;
    starter.shutdown().await;
    if side.number(waits).await? != i64::try_from(runs + 1)? {
        return Err("some runs are not delayed".into());
    }
    bench.engine.shutdown().await;
    Ok(Line::new("engine", work, kind, bench.tuning.note()).extend(figures).extend([
        ("delayed", runs as f64),
        ("p50_ms", percentile(&samples, 0.5)),
        ("p99_ms", percentile(&samples, 0.99)),
    ]))
}

/// W1 with `runs` runs that wait for a day.
pub async fn suspended(work: &str, kind: Kind, runs: u64) -> Outcome<Line> {
    let bench = Bench::open_with::<diamond>(kind, EngineBuilder::register::<waiting>).await?;
    let mut side = bench.place.connect().await?;
    let run = bench.engine.start::<waiting>(SubmitInput { number: 0 }).await?;
    let waits = "SELECT count(*) FROM workflow_job_queue WHERE status = 'SUSPENDED'";
    while side.number(waits).await? == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    copy_run(&mut side, &run.id().to_string(), 0, runs).await?;
    side.analyze().await?;
    let measured = bench.tuning.runs_of("w1");
    let figures = bench.throughput::<diamond>(measured, WARM_UP).await?;
    let (first, wakes) = (bench.opened.counts(), Switches::so_far());
    let idle = Duration::from_secs(bench.tuning.seconds.unwrap_or(5));
    tokio::time::sleep(idle).await;
    let last = bench.opened.counts();
    let wakes = wakes.since();
    if side.number(waits).await? != i64::try_from(runs + 1)? {
        return Err("some runs are not suspended".into());
    }
    bench.engine.shutdown().await;
    Ok(Line::new("engine", work, kind, bench.tuning.note()).extend(figures).extend([
        ("suspended", runs as f64),
        ("idle_statements_per_s", (last[1] - first[1]) / idle.as_secs_f64()),
        ("idle_wakeups_per_s", wakes / idle.as_secs_f64()),
    ]))
}

/// Copies all rows of a run `copies` times, with ids that sort before its own. `others` is the number of the copies so far.
pub async fn copy_run(side: &mut Side, template: &str, others: u64, copies: u64) -> Outcome<()> {
    copy_rows(side, &TABLES, template, others, copies).await
}

/// Copies the rows that a run has in these tables.
pub async fn copy_rows(
    side: &mut Side,
    tables: &[&str],
    template: &str,
    others: u64,
    copies: u64,
) -> Outcome<()> {
    let mut from = others + 1;
    while from <= others + copies {
        let to = (from + CHUNK - 1).min(others + copies);
        for &table in tables {
            let key = if table == "workflow_runs" { "id" } else { "workflow_run_id" };
            let others = side.columns(table).await?.into_iter().filter(|column| column != key);
            let others = others.collect::<Vec<_>>().join(", ");
            side.execute(&side.copy(table, key, &others, template, from, to)).await?;
        }
        from = to + 1;
    }
    Ok(())
}

impl Side {
    /// Returns the statement that copies a run's rows. The new ids contain instants of the year 2000.
    fn copy(&self, table: &str, key: &str, others: &str, template: &str, from: u64, to: u64) -> String {
        match self {
            Self::Sqlite(_) => format!(
                "WITH RECURSIVE numbers (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to})
                INSERT INTO {table} ({key}, {others})
                SELECT format('%08x-%04x-7000-8000-%012x', (946684800000 + n) >> 16, (946684800000 + n) & 65535, n),
                    {others}
                FROM numbers CROSS JOIN {table} WHERE {key} = '{template}'"
            ),
            Self::Postgres(_) => format!(
                "INSERT INTO {table} ({key}, {others})
                SELECT (lpad(to_hex(946684800000 + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
                    {others}
                FROM generate_series({from}::bigint, {to}) AS n CROSS JOIN {table} WHERE {key} = '{template}'"
            ),
        }
    }

    async fn columns(&mut self, table: &str) -> Outcome<Vec<String>> {
        let sql = match self {
            Self::Sqlite(_) => format!("SELECT name FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => format!(
                "SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = 'workflow_engine' AND table_name = '{table}'"
            ),
        };
        self.texts(&sql).await
    }

    pub async fn analyze(&mut self) -> Outcome<()> {
        self.execute("ANALYZE").await
    }
}

/// Returns the number of rows that sequential scans have read; PostgreSQL only.
async fn scans(side: &mut Side) -> Outcome<Option<f64>> {
    if matches!(side, Side::Sqlite(_)) {
        return Ok(None);
    }
    // Sessions report their counters when they have been idle for a while, or end.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let sql =
        "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE schemaname = 'workflow_engine'";
    Ok(Some(side.number(sql).await? as f64))
}
