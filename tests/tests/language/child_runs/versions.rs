//! A parent and its child in processes with different versions of the child.

use std::time::Duration;

use tests::on_every_store;
use tests::world::World;
use workflow_engine::Engine;
use workflow_engine::prelude::*;
use workflow_engine::records::Status;
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, Serverless, ServerlessSettings};

#[stage]
pub async fn open(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

mod before {
    use super::*;

    #[stage]
    pub async fn weigh(cents: u32) -> StageResult<u32> {
        Ok(cents * 2)
    }

    workflow! { pub packing = weigh }
    workflow! { pub selling = open >> packing }
}

mod after {
    use super::*;

    #[stage(version = 2)]
    pub async fn weigh(cents: u32) -> StageResult<u32> {
        Ok(cents * 3)
    }

    workflow! { pub packing = weigh }
    workflow! { pub selling = open >> packing }
}

async fn step(host: &Serverless) {
    host.run_maintenance_tick(MaintenanceTick::default()).await;
    host.process_available_jobs(ProcessJobs { max_jobs: 1, concurrency: 1 }).await.unwrap();
}

fn host(engine: &Engine) -> Serverless {
    engine.serverless(ServerlessSettings::default()).unwrap()
}

async fn a_process_with_another_version_of_the_child_reads_its_output(world: World) {
    assert_eq!(before::selling::definition().fingerprint(), after::selling::definition().fingerprint());
    let old = world.engine().register::<before::selling>().register::<before::packing>().without_worker();
    let old = old.build().await.unwrap();
    let run = old.start::<before::selling>(OpenInput { cents: 5 }).await.unwrap();
    let old_host = host(&old);
    while run.children().await.unwrap().items.first().is_none_or(|child| child.status != Status::Completed) {
        step(&old_host).await;
    }
    assert_eq!(run.status().await.unwrap(), Status::Running, "the parent has not asked yet");

    let new = world.engine().register::<after::selling>().register::<after::packing>().without_worker();
    let new = new.build().await.unwrap();
    let new_host = host(&new);
    while !run.status().await.unwrap().is_terminal() {
        step(&new_host).await;
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(run.output().await.unwrap(), 10);
}

on_every_store!(a_process_with_another_version_of_the_child_reads_its_output);
