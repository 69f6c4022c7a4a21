//! Four workers on one PostgreSQL, under everything that happens to processes, connections and servers.

use std::path::Path;

use futures_util::StreamExt;
use tests::chaos::crew::Crew;
use tests::chaos::faults::{Fault, Stopped, befall, shuffled};
use tests::chaos::judge::judge;
use tests::chaos::work::{BeginInput, SinkFile, toilsome};
use tests::chaos::{connect, until};
use tests::postgres::{self, Cluster};
use tests::random::Random;
use workflow_engine::Error;
use workflow_engine::prelude::*;

const RUNS: usize = 5_000;
const WORKERS: usize = 4;
const FAULTS: [(Fault, usize); 4] =
    [(Fault::Kill, 100), (Fault::Stop, 30), (Fault::Terminate, 50), (Fault::Crash, 5)];
/// A body leaves a line of about this many bytes in the ledger.
const LINE: u64 = 44;

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_right_under_kills_stops_cut_connections_and_crashes_of_the_server() {
    if !postgres::is_available("chaos") {
        return;
    }
    // Its own, also where `DATABASE_URL` names a server: that one is not ours to crash.
    let Some(cluster) = Cluster::start() else {
        eprintln!("skipped: chaos: it needs a server of its own, and PostgreSQL is not installed here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut crew = Crew::start(env!("CARGO_BIN_EXE_chaos_worker"), cluster.url(), folder.path(), WORKERS);
    tokio::join!(create_runs(cluster.url(), folder.path()), make_trouble(&mut crew, &cluster, folder.path()));
    until("every run is over and every event delivered", async || {
        crew.assert_alive();
        let Ok(mut db) = connect(cluster.url()).await else { return false };
        let open = "SELECT (SELECT count(*) FROM workflow_runs WHERE completed_at IS NULL)
                         + (SELECT count(*) FROM outbox_events WHERE published_at IS NULL)
                         + (SELECT count(*) FROM plugin_deliveries)";
        sqlx::query_scalar::<_, i64>(open)
            .fetch_one(&mut db)
            .await
            .expect("nothing befalls the server any more")
            == 0
    })
    .await;
    crew.stop();

    let verdict = judge(cluster.url(), folder.path(), RUNS).await;
    eprintln!("{verdict:?}");
    assert!(verdict.stale_writes > 0, "no stale write was attempted: the test has shown nothing");
    assert!(verdict.repeated_bodies > 0, "no fault hit a body: the test has shown nothing");
}

/// Each run has a key, and is asked for again until it is acknowledged: whatever becomes of an answer on its way.
async fn create_runs(database: &str, folder: &Path) {
    let sink = SinkFile(folder.join("sink.txt"));
    let builder = Engine::builder(database).register::<toilsome>().event_sink(sink);
    let engine = builder.without_worker().build().await.unwrap();
    let ledger = folder.join("ledger.txt").to_str().unwrap().to_owned();
    let create = async |number: u64| {
        until("a run is acknowledged", async || {
            let input = BeginInput { ledger: ledger.clone(), number };
            let started: Result<_, Error> =
                engine.start::<toilsome>(input).idempotency_key(format!("toil-{number}")).await;
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

/// All faults, spread over nine tenths of the work.
async fn make_trouble(crew: &mut Crew, cluster: &Cluster, folder: &Path) {
    let mut random = Random::seeded("CHAOS_SEED");
    let faults = shuffled(&FAULTS, &mut random);
    let ledger = folder.join("ledger.txt");
    let step = RUNS as u64 * 4 * LINE * 9 / 10 / faults.len() as u64;
    let mut stopped: Vec<Stopped> = Vec::new();
    for (place, fault) in (1..).zip(faults) {
        until("the work goes on", async || {
            let mut still = Vec::new();
            for worker in stopped.drain(..) {
                if worker.is_replaced(cluster).await {
                    worker.resume();
                } else {
                    still.push(worker);
                }
            }
            stopped = still;
            crew.assert_alive();
            // Two at least do the work.
            let crowded = fault == Fault::Stop && stopped.len() + 2 >= WORKERS;
            let written = std::fs::metadata(&ledger).map_or(0, |file| file.len());
            !crowded && written >= place * step
        })
        .await;
        random.spin();
        befall(fault, crew, &mut stopped, cluster, &mut random).await;
    }
    for worker in stopped {
        until("others take over", async || worker.is_replaced(cluster).await).await;
        worker.resume();
    }
}
