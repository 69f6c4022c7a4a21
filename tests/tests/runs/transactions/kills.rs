//! Processes that are killed while they work: the statements of each stage are committed exactly once.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use tests::on_every_database;
use tests::tables::Tables;
use tests::transfer::{DebitInput, transfer};

use super::locks::{locked_bookings, run, wait_for_waiters};

const RUNS: usize = 80;
const KILLS: u64 = 12;

async fn a_killed_process_neither_repeats_nor_loses_statements(tables: Tables) {
    let engine = tables.engine().await.register::<transfer>().without_worker().build().await.unwrap();
    let bookings = tables.name("bookings");
    tables.run(&format!("CREATE TABLE {bookings} (run TEXT, stage TEXT, cents BIGINT)")).await;
    for cents in (1..).take(RUNS) {
        engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents }).await.unwrap();
    }
    engine.shutdown().await;

    // 160 bodies run, and some of them again.
    let mut bodies = 0;
    for kill in 0..KILLS {
        let (mut worker, mut lines) = start(&tables);
        let moment = 1 + (kill * 5) % 9;
        assert_eq!(count(&mut lines, moment), moment, "the worker ended before it was killed");
        worker.kill().unwrap();
        worker.wait().unwrap();
        tables.check_rows().await;
        bodies += moment + count(&mut lines, u64::MAX);
    }
    bodies += finish(&tables);
    judge(&tables, &bookings, RUNS).await;
    assert!(bodies > (RUNS * 2) as u64, "no kill hit a body before its commit, so the test proves nothing");
}

/// Another program locks the table for long. Workers are killed one after the other, each while its statements wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_lock_under_kills_neither_repeats_nor_loses_statements() {
    const RUNS: usize = 10;
    const KILLS: u64 = 5;
    let test = "a_long_lock_under_kills_neither_repeats_nor_loses_statements";
    let Some(tables) = Tables::postgres(test) else { return };
    let Tables::Postgres(schema) = &tables else { unreachable!() };
    let engine = tables.engine().await.register::<transfer>().without_worker().build().await.unwrap();
    let (mut other, bookings) = locked_bookings(schema).await;
    for cents in (1..).take(RUNS) {
        engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents }).await.unwrap();
    }
    let mut bodies = 0;
    for _ in 0..KILLS {
        let (mut worker, mut lines) = start(&tables);
        assert_eq!(count(&mut lines, 1), 1, "the worker ended before it was killed");
        wait_for_waiters(&mut other, &bookings, 1).await;
        worker.kill().unwrap();
        worker.wait().unwrap();
        tables.check_rows().await;
        bodies += 1 + count(&mut lines, u64::MAX);
    }
    run(&mut other, "ROLLBACK".into()).await;
    bodies += finish(&tables);
    judge(&tables, &bookings, RUNS).await;
    assert!(bodies >= RUNS as u64 * 2 + KILLS, "every kill has cost an attempt: {bodies}");
    engine.shutdown().await;
}

/// Lets a worker finish all runs; returns the number of bodies.
fn finish(tables: &Tables) -> u64 {
    let (mut worker, mut lines) = start(tables);
    let bodies = count(&mut lines, u64::MAX);
    assert!(worker.wait().unwrap().success());
    bodies
}

/// Checks that each stage of the runs has made its booking once.
async fn judge(tables: &Tables, bookings: &str, runs: usize) {
    tables.check_rows().await;
    let text = format!("SELECT run || ' ' || stage || ' ' || cents FROM {bookings}");
    let mut booked: HashMap<String, Vec<i64>> = HashMap::new();
    for line in tables.texts(&text).await {
        let (stage, cents) = line.rsplit_once(' ').unwrap();
        booked.entry(stage.to_owned()).or_default().push(cents.parse().unwrap());
    }
    assert_eq!(booked.len(), runs * 2, "G2: every stage has a booking");
    assert!(booked.values().all(|bookings| bookings.len() == 1), "G2: no stage has two bookings");
    let sum: i64 = booked.values().flatten().sum();
    assert_eq!(sum, 0, "debits and credits are balanced");
}

fn start(tables: &Tables) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_transfer_worker"));
    let mut worker = worker.args(tables.arguments()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    (worker, lines)
}

/// Reads the output of the worker, one line for each body, until it has printed `limit` lines or ends, and returns the
/// number of lines.
fn count(lines: &mut Lines<BufReader<ChildStdout>>, limit: u64) -> u64 {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    lines.take(limit).map_while(Result::ok).count() as u64
}

on_every_database!(a_killed_process_neither_repeats_nor_loses_statements);
