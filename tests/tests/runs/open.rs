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
    runs(Engine::builder(folder.path().join("runs.db"))).await;
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

async fn refused(url: &str) -> workflow_engine::Error {
    let Err(error) = Engine::builder(url).register::<doubling>().build().await else {
        panic!("`{url}` is opened");
    };
    error
}

#[tokio::test]
async fn a_word_that_is_meant_as_a_url_makes_no_file() {
    for (url, advice) in [
        ("memory", "`memory:`"),
        ("mem:", "`memory:`"),
        (":memory:", "`memory:`"),
        ("postgres", "`postgres://user:password@host/database`"),
        ("postgres:", "`postgres://user:password@host/database`"),
        ("sqlite", "`sqlite:path`"),
        ("sqlite3:runs.db", "`sqlite:path`"),
        ("host=localhost dbname=runs", "`postgres://user:password@host/database`"),
    ] {
        let error = refused(url).await;
        assert_eq!(error.code(), ErrorCode::UnsupportedStore, "{error}");
        assert!(error.to_string().contains(advice), "{error}");
        assert!(!std::path::Path::new(url).exists(), "`{url}` is a file");
    }
}

#[tokio::test]
async fn a_mistyped_url_does_not_show_its_password() {
    for url in [
        "\"postgres://me:s3cret@localhost/runs\"",
        " postgres://me:s3cret@localhost/runs",
        "postgres://me:s3cret@localhost/runs\n",
        "mysql://me:s3cret@localhost/runs",
        "postgress://me:s3cret@localhost/runs",
        "postgres:/me:s3cret@localhost/runs",
        "postgres:me:s3cret@localhost/runs",
        "me:s3cret@localhost/runs",
        "DATABASE_URL=postgres://me:s3cret@localhost/runs",
        "jdbc:postgresql://localhost/runs?user=me&password=s3cret",
        "host=localhost password=s3cret",
        "postgres://me:a/s3cret@localhost/runs",
        "postgres://me:a?s3cret@localhost/runs",
        "postgres://me:a#s3cret@localhost/runs",
        "postgres://me:s3cret",
        "postgres://me:s3cret@localhost:port/runs",
        "postgres://me:s3cret@localhost/runs?sslmod=require",
        "postgres://me@localhost/runs?pasword=s3cret",
        "postgres://me:s3cret@localhost/runs?sslmode=s3cret",
        // No server listens there: the driver's error is part of the message.
        "POSTGRES://me:s3cret@127.0.0.1:9/runs",
    ] {
        let mut texts = vec![
            format!("{:?}", workflow_engine::stores::PostgresOptions::new(url)),
            format!("{:?}", SqliteOptions::new(url)),
        ];
        let error = refused(url).await;
        texts.extend([error.to_string(), format!("{error:?}")]);
        if let Err(error) = SqliteStore::open(url).await {
            texts.extend([error.to_string(), format!("{error:?}")]);
        }
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            texts.extend([cause.to_string(), format!("{cause:?}")]);
            source = cause.source();
        }
        assert!(texts.iter().all(|text| !text.contains("s3cret")), "{url}: {texts:#?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for (url, reason) in [
        (
            format!("{place}/missing/runs.db"),
            format!("the directory `{place}/missing` does not exist: create it first"),
        ),
        (place.to_owned(), "it is a directory: write the path of a file in it".to_owned()),
        (format!("{place}/file/runs.db"), format!("`{place}/file` is not a directory")),
        (format!("sqlite://{place}/runs.db?mode=rw"), "the file does not exist".to_owned()),
        ("/dev/null".to_owned(), "it is not a regular file".to_owned()),
    ] {
        let error = refused(&url).await;
        assert_eq!(error.code(), ErrorCode::UnsupportedStore, "{error}");
        assert!(error.to_string().contains(&reason), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[tokio::test]
async fn the_usual_parameters_of_a_url_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    runs(Engine::builder(format!(
        "sqlite://{path}?mode=rwc&synchronous=normal&busy_timeout=500&schema=jobs"
    )))
    .await;
    // The prefix of the parameter, not the default, has the run.
    let mut options = SqliteOptions::new(format!("sqlite:{path}?mode=rw"));
    options.table_prefix = "jobs_".to_owned();
    let builder = || Engine::builder(options.clone()).register::<doubling>().without_worker();
    let first = builder().build().await.unwrap();
    let run = first.start::<doubling>(DoubleInput { number: 1 }).await.unwrap();
    let tables = format!("sqlite:{path}?schema=jobs");
    let second = Engine::builder(tables).register::<doubling>().without_worker().build().await.unwrap();
    assert!(second.run_handle::<doubling>(run.id()).await.is_ok());
    let other = Engine::builder(&path).register::<doubling>().without_worker().build().await.unwrap();
    assert!(other.run_handle::<doubling>(run.id()).await.unwrap_err().is_not_found());
}
