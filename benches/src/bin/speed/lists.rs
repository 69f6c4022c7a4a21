//! Lists of runs over many runs: what pages of an interface cost.

use std::time::Instant;

use benches::percentile;
use benches::workflows::diamond;
use workflow_engine::ports::OptionalIndex;
use workflow_engine::prelude::*;
use workflow_engine::{ErrorCode, RunFilter};

use crate::Outcome;
use crate::engine::Bench;
use crate::history::copy_rows;
use crate::line::Line;
use crate::place::Kind;

/// How often each list is read.
const REPEATS: usize = 50;

/// The items of a page.
const PAGE: usize = 50;

/// The list that nothing matches, with the optional index of workflows.
const INDEXED: &str = "indexed_workflow_ms";

/// The last digits of ids select a part of the copies: one in 256 has failed, and has a tag.
const FAIL: &str =
    "UPDATE workflow_runs SET status = 'FAILED', error_code = 'STAGE_FAILED', error_message = 'no'
    WHERE CAST(id AS TEXT) LIKE '00%00'";
const TAG: &str = "INSERT INTO workflow_run_tags (workflow_run_id, key, value)
    SELECT id, 'customer', 'acme' FROM workflow_runs WHERE CAST(id AS TEXT) LIKE '00%01'";

/// Pages and counts with `runs` ended runs in the tables: the slowest list, and each one.
pub async fn pages(work: &str, kind: Kind, runs: u64) -> Outcome<Line> {
    let bench = Bench::open::<diamond>(kind).await?;
    let mut side = bench.place.connect().await?;
    let newest = "SELECT CAST(max(CAST(id AS TEXT)) AS TEXT) FROM workflow_runs";
    let template = side.text(newest).await?;
    // Lists read no other table of a run.
    copy_rows(&mut side, &["workflow_runs"], &template, 0, runs).await?;
    for statement in [FAIL, TAG, "ANALYZE"] {
        side.execute(statement).await?;
    }
    let all = RunFilter::new();
    let lists = [
        ("newest_ms", all.clone()),
        ("workflow_ms", all.clone().workflow::<diamond>()),
        ("unfinished_ms", all.clone().unfinished()),
        ("failed_ms", all.clone().status(Status::Failed)),
        ("error_code_ms", all.clone().error_code(ErrorCode::StageFailed)),
        ("tag_ms", all.clone().tag("customer", "acme")),
        ("tag_and_failed_ms", all.clone().tag("customer", "acme").status(Status::Failed)),
        ("other_workflow_ms", all.clone().workflow_id("another")),
        (INDEXED, all.clone().workflow_id("another")),
    ];
    let (mut slowest, mut figures) = (0.0_f64, Vec::new());
    for (name, filter) in lists {
        if name == INDEXED {
            bench.engine.add_index(OptionalIndex::ByWorkflow).await?;
        }
        let mut samples = Vec::with_capacity(2 * REPEATS);
        for _ in 0..REPEATS {
            let began = Instant::now();
            let page = bench.engine.runs(&filter).limit(PAGE).await?;
            samples.push(began.elapsed().as_secs_f64() * 1e3);
            let Some(next) = page.next else { continue };
            let began = Instant::now();
            drop(bench.engine.runs(&filter).limit(PAGE).after(next).await?);
            samples.push(began.elapsed().as_secs_f64() * 1e3);
        }
        samples.sort_by(f64::total_cmp);
        figures.push((name, percentile(&samples, 0.99)));
        slowest = slowest.max(percentile(&samples, 0.99));
    }
    let began = Instant::now();
    bench.engine.count_runs(&all, 10_000).await?;
    figures.push(("count_ms", began.elapsed().as_secs_f64() * 1e3));
    bench.engine.shutdown().await;
    let line = Line::new("engine", work, kind, bench.tuning.note());
    Ok(line.extend([("ended", runs as f64), ("slowest_p99_ms", slowest)]).extend(figures))
}
