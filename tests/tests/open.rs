//! What an engine can be built on.

use std::sync::Arc;

use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{MemoryStore, SqliteOptions, SqliteStore};
use workflow_engine::{EngineBuilder, ErrorCode};

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

async fn runs(builder: EngineBuilder) {
    let engine = builder.register::<doubling>().build().await.unwrap();
    let run = engine.start::<doubling>(DoubleInput { number: 21 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 42);
    engine.shutdown().await;
}

#[tokio::test]
async fn an_engine_is_built_on_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    runs(Engine::builder("memory:")).await;
    runs(Engine::builder(&path)).await;
    runs(Engine::builder(format!("sqlite://{path}"))).await;
}

#[tokio::test]
async fn an_engine_is_built_on_options() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let mut options = SqliteOptions::new(path);
    options.busy_timeout = std::time::Duration::from_secs(1);
    runs(Engine::builder(options)).await;
}

#[tokio::test]
async fn an_engine_is_built_on_an_open_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    runs(Engine::builder(Arc::new(MemoryStore::new(Arc::new(SystemClock))))).await;
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path).await.unwrap());
    runs(Engine::builder(store)).await;
}

#[tokio::test]
async fn a_url_that_names_no_store_fails_when_the_engine_is_built() {
    for url in ["", "mysql://host/database", "sqlite::memory:", "runs.db?mode=ro"] {
        let error = Engine::builder(url).build().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedStore, "{url}");
        assert!(error.is_invalid_input(), "{url}");
    }
}
