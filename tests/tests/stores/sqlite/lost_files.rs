//! Files that are removed, moved or replaced while a store has them open.

use std::fs;
use std::path::Path;

use workflow_engine::ErrorCode;
use workflow_engine::ports::Persistence;
use workflow_engine::prelude::*;
use workflow_engine::stores::SqliteStore;

use super::fixture::{Directory, create, running};

/// The names that a database has on disk while it is open.
const FILES: [&str; 3] = ["store.db", "store.db-wal", "store.db-shm"];

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

/// A commit is refused by name, and so are reads.
async fn refuses_everything(store: &SqliteStore, name: &str) {
    let error = store.commit(create()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreFileReplaced);
    assert!(error.to_string().contains(name), "{error}");
    assert!(!error.is_retryable());
    let error = store.pending_runs(&["definition".into()], 1).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreFileReplaced);
}

#[tokio::test]
async fn a_start_is_not_acknowledged_into_a_file_that_was_removed() {
    let directory = Directory::new();
    let path = directory.file("store.db");
    let engine = Engine::builder(path.to_str().unwrap()).register::<doubling>().build().await.unwrap();
    let run = engine.start::<doubling>(DoubleInput { number: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 8);
    for file in FILES {
        fs::remove_file(directory.file(file)).unwrap();
    }
    let error = engine.start::<doubling>(DoubleInput { number: 5 }).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreFileReplaced);
    assert!(error.to_string().contains("store.db"), "{error}");
    engine.shutdown().await;
    assert!(!path.exists());
}

/// Each of the files holds a part of what is acknowledged: other processes would not find it without.
#[tokio::test]
async fn each_of_the_files_must_be_in_its_place() {
    for file in FILES {
        let directory = Directory::new();
        let store = directory.open().await;
        running(&store).await;
        fs::remove_file(directory.file(file)).unwrap();
        refuses_everything(&store, file).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_used_again_when_it_is_back() {
    let directory = Directory::new();
    let store = directory.open().await;
    running(&store).await;
    fs::rename(directory.file("store.db"), directory.file("moved.db")).unwrap();
    refuses_everything(&store, "store.db").await;
    let refused = create();
    let run_id = refused.run_id;
    store.commit(refused).await.unwrap_err();
    fs::rename(directory.file("moved.db"), directory.file("store.db")).unwrap();
    running(&store).await;
    assert!(store.run(run_id).await.unwrap().is_none(), "a store that knows writes nothing");
    store.close().await;
}

#[tokio::test]
async fn a_file_that_was_replaced_by_a_copy_is_another_file() {
    let directory = Directory::new();
    let store = directory.open().await;
    running(&store).await;
    fs::copy(directory.file("store.db"), directory.file("copy.db")).unwrap();
    fs::rename(directory.file("copy.db"), directory.file("store.db")).unwrap();
    refuses_everything(&store, "store.db").await;
    store.close().await;
}

/// The watcher reports that a file is gone, so an engine without work need not wait for a commit.
#[tokio::test]
async fn an_idle_store_notices_that_its_files_are_gone() {
    let directory = Directory::new();
    let store = directory.open().await;
    running(&store).await;
    for file in FILES {
        fs::remove_file(directory.file(file)).unwrap();
    }
    while store.pending_runs(&["definition".into()], 1).await.is_ok() {}
    store.close().await;
}

/// A link may be moved to another place: the file that it has led to remains what it is.
#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_file_may_be_removed() {
    let directory = Directory::new();
    directory.open().await.close().await;
    let link = directory.file("link.db");
    std::os::unix::fs::symlink(directory.file("store.db"), &link).unwrap();
    let store = super::fixture::open(Path::new(&link)).await.unwrap();
    fs::remove_file(&link).unwrap();
    running(&store).await;
    store.close().await;
}
