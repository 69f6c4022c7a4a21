//! A process dies at each of its writes, and another one takes over: the child runs once, and the parent ends with it.

use std::sync::Arc;
use std::time::Duration;

use tests::dying::{Death, Process};
use tests::intercept::Intercepted;
use tests::world::World;
use workflow_engine::EngineBuilder;
use workflow_engine::prelude::*;
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};

use super::steps::{SellingInput, packing, selling};

#[derive(Clone, Copy)]
struct Case {
    cents: u32,
    cancels: bool,
    ends: Status,
    ends_child: Status,
}

/// Works until the run and its children have ended, or the process is dead.
async fn live(
    world: &World,
    builder: EngineBuilder,
    process: &Process,
    case: Case,
) -> Option<RunHandle<selling>> {
    let builder = builder.register::<selling>().register::<packing>().without_worker();
    let engine = builder.build().await.expect("the store is available");
    let start = engine.start::<selling>(SellingInput { cents: case.cents }).idempotency_key("outlive").await;
    let run = match start {
        Ok(run) => run,
        Err(_) if process.is_dead() => return None,
        Err(error) => panic!("{error}"),
    };
    let host = engine.serverless(ServerlessSettings::default()).expect("valid settings");
    for _ in 0..200 {
        host.run_maintenance_tick(MaintenanceTick::default()).await;
        let _ = host.process_available_jobs(ProcessJobs { max_jobs: 1, concurrency: 1 }).await;
        if process.is_dead() {
            return None;
        }
        let children = run.children().await.expect("the store is available").items;
        if case.cancels && !children.is_empty() {
            let _ = run.cancel("enough").await;
        }
        if process.is_dead() {
            return None;
        }
        let has_ended = run.status().await.expect("the store is available").is_terminal();
        if has_ended && children.iter().all(|child| child.status.is_terminal()) {
            return Some(run);
        }
        // Longer than a lease.
        world.clock.advance(Duration::from_secs(20));
    }
    panic!("run {} does not reach a terminal state", run.id());
}

/// Returns the number of writes of the process that dies.
async fn outlive(world: &World, death: Option<Death>, case: Case) -> usize {
    let process = Process::new(death);
    let dying = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&process)));
    let builder = EngineBuilder::with_store(dying, Arc::new(world.clock.clone()));
    let run = match live(world, builder, &process, case).await {
        Some(run) => run,
        None => live(world, world.engine(), &Process::new(None), case).await.expect("nothing kills it"),
    };
    let engine = world.engine().register::<selling>().register::<packing>().without_worker();
    let engine = engine.build().await.unwrap();
    let run = engine.any_run(run.id()).await.unwrap();
    assert_eq!(run.status().await.unwrap(), case.ends, "{death:?}");
    let children = run.children().await.unwrap().items;
    assert_eq!(children.len(), 1, "{death:?}");
    assert_eq!(children[0].status, case.ends_child, "{death:?}");
    process.writes()
}

/// Kills the process before and after each of its writes, each time in a world of its own.
async fn each(world: impl AsyncFn() -> Option<World>, case: Case) {
    let Some(first) = world().await else { return };
    let writes = outlive(&first, None, case).await;
    assert!(writes > 5, "{writes}");
    for number in 0..writes {
        for before in [true, false] {
            let Some(world) = world().await else { return };
            outlive(&world, Some((number, before)), case).await;
        }
    }
}

const COMPLETES: Case =
    Case { cents: 5, cancels: false, ends: Status::Completed, ends_child: Status::Completed };
const FAILS: Case = Case { cents: 13, cancels: false, ends: Status::Failed, ends_child: Status::Failed };
const CANCELLED: Case =
    Case { cents: 5, cancels: true, ends: Status::Cancelled, ends_child: Status::Cancelled };

macro_rules! on_each_store {
    ($($name:ident: $case:expr),+ $(,)?) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn memory() {
                each(async || Some(World::memory().await), $case).await;
            }

            #[tokio::test]
            async fn sqlite() {
                each(async || Some(World::sqlite().await), $case).await;
            }

            #[tokio::test]
            async fn postgres() {
                each(async || World::postgres(module_path!()).await, $case).await;
            }
        })+
    };
}

on_each_store!(
    a_child_that_completes_survives_each_kill: COMPLETES,
    a_child_that_fails_survives_each_kill: FAILS,
    a_cancel_survives_each_kill: CANCELLED,
);
