//! A server that allows fewer connections than the store would use.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection};
use tests::postgres::Cluster;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::PostgresStore;

#[stage(retry(max_attempts = 1))]
async fn begin(number: u32) -> StageResult<(u32, String)> {
    Ok((number, "a text that is too long to be inline".to_owned()))
}

#[stage(retry(max_attempts = 1))]
async fn end(number: (u32, String)) -> StageResult<u32> {
    Ok(number.0 + 1)
}

workflow! { limited = begin >> end }

/// The role may open three connections; committers, readers and the listener would open nine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_complete_when_the_role_may_open_three_connections() {
    const RUNS: u32 = 60;
    needs_postgres!("runs_complete_when_the_role_may_open_three_connections");
    let Some(cluster) = Cluster::start() else {
        eprintln!(
            "skipped: runs_complete_when_the_role_may_open_three_connections: the test needs a cluster"
        );
        return;
    };
    let mut owner = PgConnection::connect(cluster.url()).await.unwrap();
    let create = "CREATE ROLE limited LOGIN CONNECTION LIMIT 3; GRANT ALL ON DATABASE postgres TO limited";
    sqlx::raw_sql(create).execute(&mut owner).await.unwrap();
    let url = cluster.url().replace("postgres://postgres@", "postgres://limited@");
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(url).await.unwrap());
    let engine = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock))
        .register::<limited>()
        .inline_limit(16)
        .build()
        .await
        .unwrap();
    let runs = (0..RUNS).map(|number| {
        let engine = &engine;
        async move {
            let run = engine.start::<limited>(BeginInput { number }).await.unwrap();
            assert_eq!(run.output().await.unwrap(), number + 1);
            run.id()
        }
    });
    for run_id in join_all(runs).await {
        for stage in store.stages(run_id).await.unwrap() {
            assert_eq!((stage.status, stage.attempt), (Status::Completed, 1), "no attempt was lost");
        }
    }
    engine.shutdown().await;
}
