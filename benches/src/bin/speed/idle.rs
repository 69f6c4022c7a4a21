//! W5: what a worker costs that has nothing to do.

use std::time::Duration;

use benches::hundred;
use benches::workflows::{FirstInput, diamond};

use crate::Outcome;
use crate::engine::Bench;
use crate::line::Line;
use crate::place::{Kind, Side};
use crate::store::{Switches, memory, processor_seconds};

/// Until the loops have looked for the last time, and the server's sessions have told what they have counted.
const SETTLE: Duration = Duration::from_secs(12);

/// A worker with one workflow, or with a hundred more, over so many seconds.
pub async fn idle(work: &str, kind: Kind, is_hundred: bool) -> Outcome<Line> {
    let bench =
        Bench::open_with::<diamond>(
            kind,
            |builder| {
                if is_hundred { hundred::register(builder) } else { builder }
            },
        )
        .await?;
    let seconds = bench.tuning.seconds.unwrap_or(20);
    tokio::time::sleep(SETTLE).await;
    let mut side = bench.place.connect().await?;
    let (counts, processor, wakes) = (bench.opened.counts(), processor_seconds(), Switches::so_far());
    let queries = queries(&mut side).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let asked = self::queries(&mut side).await? - queries;
    let wakes = wakes.since();
    let processor = processor_seconds() - processor;
    let written = bench.opened.counts();
    let resident = memory("VmRSS");
    // It still works.
    let output = bench.engine.start::<diamond>(FirstInput { run: 7 }).await?.output().await?;
    assert_eq!(output.run, 7, "the output is that of the run");
    bench.engine.shutdown().await;
    let each = |figure: f64| figure / seconds as f64;
    Ok(Line::new("engine", work, kind, format!("over {seconds} s")).extend([
        // The side's own first question is among them on PostgreSQL.
        ("transactions_per_s", each((asked - 1.0).max(0.0))),
        ("written_per_s", each(written[0] - counts[0])),
        ("processor_permille", each(processor) * 1e3),
        ("wakeups_per_s", each(wakes)),
        ("resident_mib", resident),
    ]))
}

/// Transactions in this database so far, reads among them. SQLite counts none: what reads it shows as wake-ups.
async fn queries(side: &mut Side) -> Outcome<f64> {
    if matches!(side, Side::Sqlite(_)) {
        return Ok(1.0);
    }
    let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    Ok(side.number(sql).await? as f64)
}
