//! W6: the bytes, rows and transactions that a stage writes.

use std::fs;
use std::time::Duration;

use async_trait::async_trait;
use benches::workflows::{diamond, ending};
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{DeliveryError, EventSink};
use workflow_engine::records::Event;

use crate::Outcome;
use crate::engine::{Bench, WARM_UP, one_at_a_time, start_all};
use crate::line::Line;
use crate::place::{Kind, Place, Side};

/// Receives all events and keeps none.
struct Listener;

#[async_trait]
impl EventSink for Listener {
    async fn deliver(&self, _event: &Event) -> Result<(), DeliveryError> {
        Ok(())
    }
}

/// The store's own counts of its writes.
#[derive(Default)]
struct Written {
    transactions: f64,
    rows: f64,
    syncs: f64,
}

/// Diamonds one at a time or under load, with or without a sink that receives their events.
pub async fn written(work: &str, kind: Kind, is_load: bool, is_heard: bool) -> Outcome<Line> {
    let with = move |builder: EngineBuilder| if is_heard { builder.event_sink(Listener) } else { builder };
    // The cost of opening and preparing is paid before this engine closes.
    let first = Bench::open_with::<diamond>(kind, with).await?;
    let mut side = first.place.connect().await?;
    settle(&mut side, is_heard).await?;
    first.engine.shutdown().await;
    let total = read(&mut side).await?;

    let bench = Bench::open_with::<diamond>(kind, with).await?;
    settle(&mut side, is_heard).await?;
    let runs = bench.tuning.runs_of(if is_load { "w1" } else { "w2" });
    let (counts, ended) = (bench.opened.counts(), ending());
    let (bytes, place) = (bytes(&bench.place, &mut side).await?, bench.place.clone());
    if is_load {
        start_all::<diamond>(&bench.engine, runs, bench.tuning.submitters).await?;
        while ending() < ended + runs || side.unfinished().await? > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    } else {
        one_at_a_time(&bench.engine, runs).await?;
    }
    settle(&mut side, is_heard).await?;
    let after = self::bytes(&place, &mut side).await?;
    let done = bench.opened.counts();
    bench.engine.shutdown().await;
    let spent = read(&mut side).await?;

    let stages = runs as f64 * 4.0;
    // The server's counts include the second engine's warm-up.
    let all = (runs + WARM_UP) as f64 * 4.0;
    let note = format!(
        "{}, {}",
        if is_load { "under load" } else { "one at a time" },
        if is_heard { "events delivered" } else { "no event sink" }
    );
    let line = Line::new("engine", work, kind, note).extend([
        ("commits_per_stage", (done[0] - counts[0]) / stages),
        ("statements_per_stage", (done[1] - counts[1]) / stages),
        ("statements_per_commit", (done[1] - counts[1]) / (done[0] - counts[0])),
        ("bytes_per_stage", (after - bytes) / stages),
    ]);
    if kind == Kind::Sqlite {
        return Ok(line);
    }
    let images = images(&mut side, bytes, after).await?;
    Ok(line
        .extend([
            ("transactions_per_stage", (spent.transactions - total.transactions) / all),
            ("rows_per_stage", (spent.rows - total.rows) / all),
            ("syncs_per_stage", (spent.syncs - total.syncs) / all),
        ])
        .extend(images.map(|images| ("bytes_without_images_per_stage", (after - bytes - images) / stages))))
}

/// Waits until all events are delivered.
async fn settle(side: &mut Side, is_heard: bool) -> Outcome<()> {
    let waiting = "SELECT (SELECT count(*) FROM workflow_commits WHERE published_at IS NULL)
        + (SELECT count(*) FROM workflow_plugin_deliveries)";
    while is_heard && side.number(waiting).await? > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Returns the end of PostgreSQL's log, or the bytes that this process has written to SQLite's files.
async fn bytes(place: &Place, side: &mut Side) -> Outcome<f64> {
    if let Place::Postgres { .. } = place {
        let position = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
        return Ok(side.number(position).await? as f64);
    }
    let written = fs::read_to_string("/proc/self/io")?;
    let line = written
        .lines()
        .find(|line| line.starts_with("write_bytes"))
        .ok_or("`/proc/self/io` has no write_bytes")?;
    Ok(line.split_whitespace().nth(1).ok_or("write_bytes has no number")?.parse()?)
}

async fn read(side: &mut Side) -> Outcome<Written> {
    if matches!(side, Side::Sqlite(_)) {
        return Ok(Written::default());
    }
    // Sessions report their counters shortly after they end.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let of = |what: &str, table: &str| format!("SELECT sum({what})::bigint FROM {table}");
    let database = "pg_stat_database WHERE datname = current_database()";
    Ok(Written {
        transactions: side.number(&of("xact_commit", database)).await? as f64,
        rows: side.number(&of("n_tup_ins + n_tup_upd + n_tup_del", "pg_stat_user_tables")).await? as f64,
        syncs: side.number(&of("wal_sync", "pg_stat_wal")).await? as f64,
    })
}

/// Returns the bytes of full-page images between two positions, if the server can report them.
async fn images(side: &mut Side, from: f64, to: f64) -> Outcome<Option<f64>> {
    if side.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect SCHEMA public").await.is_err() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT sum(fpi_size)::bigint FROM public.pg_get_wal_stats('0/0'::pg_lsn + {from}::numeric, '0/0'::pg_lsn + {to}::numeric)"
    );
    Ok(side.number(&sql).await.ok().map(|bytes| bytes as f64))
}
