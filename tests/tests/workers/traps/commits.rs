//! Traps of writes that must share one transaction.

use std::time::Duration;

use futures_util::future::join_all;
use tests::decisions::{create, entry};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ports::{Change, Commit, Decision};

use super::bodies::{BeginInput, diamond, engine};

/// The trap: the key is stored in a second transaction, and a crash between the two creates two runs.
async fn trap_09_a_key_exists_exactly_when_its_run_exists(world: World) {
    // A creation that fails leaves no key.
    let failing = || {
        let decision = create();
        let missing =
            Change::Enqueue { stage_key: "missing".into(), max_attempts: 1, max_crashes: 3, claim: None };
        let changes = decision.changes.iter().cloned().chain([missing]).collect();
        Decision { idempotency: Some(entry("order-7")), changes, ..decision }
    };
    world.store.commit(failing()).await.unwrap_err();
    let first = Decision { idempotency: Some(entry("order-7")), ..create() };
    assert!(matches!(world.store.commit(first).await.unwrap(), Commit::Applied(_)));
    let second = Decision { idempotency: Some(entry("order-7")), ..create() };
    let run_id = second.run_id;
    assert!(matches!(world.store.commit(second).await.unwrap(), Commit::Duplicate { .. }));
    assert_eq!(world.store.run(run_id).await.unwrap(), None);

    // Of several concurrent starts, one creates the run.
    let engine = engine(&world).await;
    let start =
        || async { engine.start::<diamond>(BeginInput { number: 1 }).idempotency_key("order-8").await };
    let runs = join_all((0..8).map(|_| start())).await;
    let runs: Vec<_> = runs.into_iter().map(|run| run.unwrap().id()).collect();
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
    assert_eq!(tests::unfinished::unfinished::<diamond>(&engine).await.unwrap().len(), 1);
}

/// The trap: runs share a transaction of PostgreSQL, and an error (25P02) aborts all of them.
async fn trap_14_an_invalid_decision_fails_alone(world: World) {
    let decisions: Vec<Decision> = (0..40)
        .map(|number| {
            let mut decision = create();
            if number % 10 == 3 {
                // A stage that does not exist.
                let wake = Change::Wake { stage_key: "missing".into() };
                decision.changes.push(wake);
            }
            if number % 10 == 7 {
                // A stage that is terminal already.
                let fail = || Change::Fail { stage_key: "a".into(), error: "no".into() };
                decision.changes.extend([fail(), fail()]);
            }
            decision
        })
        .collect();
    let runs: Vec<_> = decisions.iter().map(|decision| decision.run_id).collect();
    let commits = join_all(decisions.into_iter().map(|decision| world.store.commit(decision))).await;
    for (number, (commit, run_id)) in commits.into_iter().zip(runs).enumerate() {
        let is_invalid = matches!(number % 10, 3 | 7);
        let exists = world.store.run(run_id).await.unwrap().is_some();
        assert_eq!((commit.is_err(), exists), (is_invalid, !is_invalid), "decision {number}");
    }
    let lease = Duration::from_secs(15);
    assert!(world.store.renew_leases(Vec::new(), lease).await.unwrap().is_empty(), "the store still works");
}

on_every_store!(trap_09_a_key_exists_exactly_when_its_run_exists, trap_14_an_invalid_decision_fails_alone);
