//! Four workers on one PostgreSQL server, under faults of processes, connections and the server.

use std::path::Path;

use futures_util::StreamExt;
use tests::chaos::crew::Crew;
use tests::chaos::faults::{Fault, StoppedWorker, inject, shuffled};
use tests::chaos::judge::judge;
use tests::chaos::work::{BeginInput, SinkFile, slow_diamond};
use tests::chaos::{connect, until};
use tests::postgres::{self, Cluster};
use tests::random::Random;
use workflow_engine::Error;
use workflow_engine::prelude::*;

const RUNS: usize = 5_000;
const WORKERS: usize = 4;
const FAULTS: [(Fault, usize); 4] =
    [(Fault::Kill, 100), (Fault::Stop, 30), (Fault::Terminate, 50), (Fault::Crash, 5)];
/// The length of a body's line in the ledger, in bytes.
const LINE: u64 = 44;

#[tokio::test(flavor = "multi_thread")]
async fn every_run_completes_despite_kills_stops_lost_connections_and_server_crashes() {
    if !postgres::is_available("chaos") {
        return;
    }
    // Always a throwaway cluster: the test may not crash a server that `DATABASE_URL` names.
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: chaos: it needs its own server, and PostgreSQL is not installed");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut crew = Crew::start(env!("CARGO_BIN_EXE_chaos_worker"), cluster.url(), folder.path(), WORKERS);
    tokio::join!(
        create_runs(cluster.url(), folder.path()),
        inject_faults(&mut crew, &cluster, folder.path())
    );
    until("every run is terminal and every event is delivered", async || {
        crew.assert_alive();
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let open = "SELECT (SELECT count(*) FROM workflow_runs WHERE completed_at IS NULL)
                         + (SELECT count(*) FROM workflow_outbox_events WHERE published_at IS NULL)
                         + (SELECT count(*) FROM workflow_plugin_deliveries)";
        sqlx::query_scalar::<_, i64>(open).fetch_one(&mut db).await.expect("the faults have ended") == 0
    })
    .await;
    crew.stop();

    let effects = judge(cluster.url(), folder.path(), RUNS).await;
    eprintln!("{effects:?}");
    assert!(effects.stale_writes > 0, "no stale write was attempted, so the test proves nothing");
    assert!(effects.repeated_bodies > 0, "no fault hit a body, so the test proves nothing");
}

/// Starts the runs. Each has a key, and its start is repeated until it is acknowledged, even if a response is lost.
async fn create_runs(database: &str, folder: &Path) {
    let sink = SinkFile(folder.join("sink.txt"));
    let builder = Engine::builder(database).register::<slow_diamond>().event_sink(sink);
    let engine = builder.without_worker().build().await.unwrap();
    let ledger = folder.join("ledger.txt").to_str().unwrap().to_owned();
    let create = async |number: u64| {
        until("a run is acknowledged", async || {
            let input = BeginInput { ledger: ledger.clone(), number };
            let started: Result<_, Error> =
                engine.start::<slow_diamond>(input).idempotency_key(format!("chaos-{number}")).await;
            match started {
                Ok(_) => true,
                Err(error) if error.is_retryable() => false,
                Err(error) => panic!("run {number}: {error}"),
            }
        })
        .await;
    };
    futures_util::stream::iter(0..RUNS as u64).for_each_concurrent(32, create).await;
    engine.shutdown().await;
}

/// Injects all faults, spread over nine tenths of the work.
async fn inject_faults(crew: &mut Crew, cluster: &Cluster, folder: &Path) {
    let mut random = Random::seeded("CHAOS_SEED");
    let faults = shuffled(&FAULTS, &mut random);
    let ledger = folder.join("ledger.txt");
    let step = RUNS as u64 * 4 * LINE * 9 / 10 / faults.len() as u64;
    let mut stopped: Vec<StoppedWorker> = Vec::new();
    for (position, fault) in (1..).zip(faults) {
        until("the work progresses", async || {
            let mut still_stopped = Vec::new();
            for worker in stopped.drain(..) {
                if worker.is_replaced(cluster).await {
                    worker.resume();
                } else {
                    still_stopped.push(worker);
                }
            }
            stopped = still_stopped;
            crew.assert_alive();
            // At least two workers keep running.
            let too_many_stopped = fault == Fault::Stop && stopped.len() + 2 >= WORKERS;
            let written = std::fs::metadata(&ledger).map_or(0, |file| file.len());
            !too_many_stopped && written >= position * step
        })
        .await;
        random.spin();
        inject(fault, crew, &mut stopped, cluster, &mut random).await;
    }
    for worker in stopped {
        until("others take over", async || worker.is_replaced(cluster).await).await;
        worker.resume();
    }
}
