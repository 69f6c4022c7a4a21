//! Workers and the queue.

use tests::on_every_store;
use tests::registered::wait_until_registered;
use tests::world::World;
use workflow_engine::WorkerState;
use workflow_engine::prelude::*;
use workflow_engine::records::{EventKind, NewWorker};

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

#[stage]
async fn hang(_number: u32) -> StageResult<()> {
    std::future::pending().await
}

workflow! { hanging = hang }

async fn a_worker_is_listed_from_its_start_to_its_end(world: World) {
    let engine =
        world.engine().register::<doubling>().register::<hanging>().worker_id("first").concurrency(8);
    let engine = engine.build().await.unwrap();
    let run = engine.start::<hanging>(HangInput { _number: 1 }).await.unwrap();
    let observer = world.engine().without_worker().build().await.unwrap();
    // A worker registers in the background, and claims when it has begun.
    let mut workers = observer.workers().await.unwrap();
    while workers.iter().all(|status| status.leases == 0) {
        tokio::task::yield_now().await;
        workers = observer.workers().await.unwrap();
    }
    assert_eq!(workers.len(), 1, "an engine without a worker is not listed");
    let status = &workers[0];
    assert_eq!((status.worker.id.as_str(), status.worker.concurrency), ("first", 8));
    assert_eq!(status.worker.definitions.len(), 2);
    assert_eq!(status.worker.version, env!("CARGO_PKG_VERSION"));
    #[cfg(target_os = "linux")]
    assert_eq!(status.state, WorkerState::Running);
    assert_eq!(status.leases, 1);
    assert!(status.leased_until.is_some());
    let queue = observer.queue().await.unwrap();
    assert_eq!((queue.total.leased, queue.workflows[0].workflow_id.as_str()), (1, "hanging"));

    run.cancel("enough").await.unwrap();
    // Not a shutdown, which would close the store of the other engine, too.
    drop((engine, run));
    let mut workers = observer.workers().await.unwrap();
    while workers[0].state != WorkerState::Drained {
        tokio::task::yield_now().await;
        workers = observer.workers().await.unwrap();
    }
    assert_eq!(workers[0].leases, 0);
    assert!(workers[0].worker.drained_at.is_some());
}

async fn an_attempt_names_its_worker_when_it_has_ended(world: World) {
    let engine = world.engine().register::<doubling>().worker_id("first").build().await.unwrap();
    wait_until_registered(&engine).await.unwrap();
    let run = engine.start::<doubling>(DoubleInput { number: 1 }).await.unwrap();
    run.output().await.unwrap();
    let number = engine.workers().await.unwrap()[0].worker.number;
    let events = run.event_history().await.unwrap();
    let started = events.iter().find_map(|event| match &event.kind {
        EventKind::StageStarted { worker, .. } => Some(*worker),
        _ => None,
    });
    assert_eq!(started, Some(Some(number)));
    let attempts = run.attempts::<double>().await.unwrap();
    assert_eq!((attempts[0].worker, attempts[0].worker_id.as_deref()), (Some(number), Some("first")));
}

#[stage(retry(max_attempts = 1))]
async fn odd(number: u32) -> StageResult<u32> {
    if number.is_multiple_of(2) { Err(StageError::permanent("even")) } else { Ok(number) }
}

workflow! { oddity = odd }

async fn the_times_of_stages_are_those_of_the_newest_runs(world: World) {
    let engine = world.engine().register::<oddity>().build().await.unwrap();
    for number in 0..5 {
        engine.start::<oddity>(OddInput { number }).await.unwrap().wait().await.unwrap();
    }
    let times = engine.stage_times("oddity").await.unwrap();
    assert_eq!((times.workflow_id.as_str(), times.runs), ("oddity", 5));
    let [time] = &times.stages[..] else { panic!("{times:?}") };
    assert_eq!((time.stage_id.as_str(), time.completed, time.failed, time.retried), ("odd", 2, 3, 0));
    assert!(time.p50_ms.unwrap() <= time.p95_ms.unwrap());
    assert_eq!(engine.stage_times("nothing").await.unwrap().runs, 0);

    let known = engine.definitions().await.unwrap();
    assert_eq!(known.iter().map(|known| known.workflow_id.as_str()).collect::<Vec<_>>(), ["oddity"]);
    assert_eq!(engine.definition(&known[0].fingerprint).await.unwrap().as_ref(), Some(&known[0]));
    let text = serde_json::to_string(&engine.versions().await.unwrap()).unwrap();
    assert!(text.contains("\"is_executable\":true"), "{text}");
}

async fn a_worker_of_another_machine_is_unknown_or_gone(world: World) {
    let engine = world.engine().without_worker().build().await.unwrap();
    let process = "worker-000000000000-7-1-0123456789ab".to_owned();
    let worker = NewWorker { id: "far".into(), process, ..NewWorker::default() };
    world.store.register_worker(worker).await.unwrap();
    // On PostgreSQL, the store has noted a connection for it: this process's own.
    let state = engine.workers().await.unwrap()[0].state;
    assert!(matches!(state, WorkerState::Unknown | WorkerState::Running | WorkerState::Gone), "{state:?}");
    for number in 0..4 {
        let (id, process) = (number.to_string(), format!("process {number}"));
        world.store.register_worker(NewWorker { id, process, ..NewWorker::default() }).await.unwrap();
    }
    let first = engine.workers().limit(3).await.unwrap();
    let rest = engine.workers().limit(3).after(first.next.clone().unwrap()).await.unwrap();
    let ids: Vec<_> = first.iter().chain(&*rest).map(|status| status.worker.id.clone()).collect();
    assert_eq!(ids, ["3", "2", "1", "0", "far"]);
    assert_eq!(rest.next, None);
}

on_every_store!(
    a_worker_is_listed_from_its_start_to_its_end,
    an_attempt_names_its_worker_when_it_has_ended,
    the_times_of_stages_are_those_of_the_newest_runs,
    a_worker_of_another_machine_is_unknown_or_gone,
);
