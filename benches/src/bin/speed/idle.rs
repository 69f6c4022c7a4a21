//! W5: the cost of an idle worker.

use std::time::Duration;

use benches::hundred;
use benches::workflows::{FirstInput, diamond};

use crate::Outcome;
use crate::engine::Bench;
use crate::line::Line;
use crate::place::{Kind, Side};
use crate::store::{Switches, memory, processor_seconds};

/// The time until the worker's loops have made their last pass and the server's sessions have reported their counters.
const SETTLE: Duration = Duration::from_secs(12);

/// Observes a worker with one workflow, or with a hundred more.
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
    let made = self::queries(&mut side).await? - queries;
    let wakes = wakes.since();
    let processor = processor_seconds() - processor;
    let written = bench.opened.counts();
    let resident = memory("VmRSS");
    // Checks that the worker still works.
    let output = bench.engine.start::<diamond>(FirstInput { run: 7 }).await?.output().await?;
    assert_eq!(output.run, 7, "the output is that of the run");
    bench.engine.shutdown().await;
    let each = |figure: f64| figure / seconds as f64;
    Ok(Line::new("engine", work, kind, format!("over {seconds} s")).extend([
        // On PostgreSQL, the observing connection's own first query is included.
        ("transactions_per_s", each((made - 1.0).max(0.0))),
        ("written_per_s", each(written[0] - counts[0])),
        ("processor_permille", each(processor) * 1e3),
        ("wakeups_per_s", each(wakes)),
        ("resident_mib", resident),
    ]))
}

/// Returns the transactions in this database so far, including reads. SQLite does not count them; there, reads are visible
/// as wake-ups.
pub async fn queries(side: &mut Side) -> Outcome<f64> {
    if matches!(side, Side::Sqlite(_)) {
        return Ok(1.0);
    }
    let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    Ok(side.number(sql).await? as f64)
}
