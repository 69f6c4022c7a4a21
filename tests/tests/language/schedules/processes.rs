//! Ticks of several processes on one database.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use tests::chaos::crew::send;
use tests::on_every_database;
use tests::tables::Tables;
use tests::ticking::{SCHEDULE, Ticked, put_with_missed_ticks, shown};
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::{EngineBuilder, RunFilter};

const TICKS: u32 = 1_000;
const PROCESSES: usize = 4;
/// The ticks between two kills.
const INTERVAL: usize = 200;

async fn a_thousand_ticks_of_four_processes_start_one_run_each(tables: Tables) {
    let ticks: Vec<_> = put_with_missed_ticks(&tables, TICKS).await.take(TICKS as usize + 1).collect();
    let store = tables.store().await;
    let builder = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock));
    let engine = builder.register::<Ticked>().without_worker().build().await.unwrap();
    let mut workers: Vec<Child> = (0..PROCESSES).map(|_| start(&tables)).collect();
    for (number, &tick) in (0_usize..).zip(ticks.iter().step_by(INTERVAL)).skip(1) {
        until_next_is(&*store, tick).await;
        // The last one stays: its runs are to end.
        if tick != ticks[ticks.len() - 1] {
            let worker = &mut workers[number % PROCESSES];
            worker.kill().unwrap();
            worker.wait().unwrap();
            *worker = start(&tables);
        }
    }
    let mut started = BTreeSet::new();
    let filter = RunFilter::new().tag("schedule", SCHEDULE);
    let runs: Vec<_> = engine.runs(&filter).stream().try_collect().await.unwrap();
    for run in &runs {
        started.insert(engine.run_handle::<Ticked>(run.id).await.unwrap().output().await.unwrap());
    }
    let expected: BTreeSet<_> =
        ticks[..TICKS as usize].iter().map(|tick| format!("north {}", shown(*tick))).collect();
    assert_eq!(started, expected, "G13: each tick has a run");
    assert_eq!(runs.len(), TICKS as usize, "G13: no tick has two");
    for worker in &workers {
        send("TERM", worker.id());
    }
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    engine.shutdown().await;
    tables.check_rows().await;
}

/// Waits until this tick, or a later one, is the next.
async fn until_next_is(store: &dyn Store, tick: DateTime<Utc>) {
    let mut commits = store.hints().watch_external();
    loop {
        commits.mark_unchanged();
        let record = store.schedule(SCHEDULE).await.unwrap().expect("the schedule exists");
        if record.next_at.is_some_and(|next| next >= tick) {
            return;
        }
        commits.changed().await.unwrap();
    }
}

fn start(tables: &Tables) -> Child {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_ticking_worker"));
    worker.args(tables.arguments()).stdin(Stdio::null()).spawn().unwrap()
}

on_every_database! {
    a_thousand_ticks_of_four_processes_start_one_run_each,
}
