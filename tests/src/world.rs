//! A store of each kind with a virtual clock.

use std::sync::Arc;

use tempfile::TempDir;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::Store;
use workflow_engine::stores::{MemoryStore, PostgresStore, SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

use crate::postgres::{self, Schema};

/// A store and its clock, with the temporary folder or schema that the store lives in.
pub struct World {
    /// The virtual clock of the store.
    pub clock: FakeClock,
    /// The store.
    pub store: Arc<dyn Store>,
    _folder: Option<TempDir>,
    _schema: Option<Schema>,
}

impl World {
    /// Makes a store in memory.
    pub async fn memory() -> Self {
        let clock = FakeClock::new();
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        Self { clock, store, _folder: None, _schema: None }
    }

    /// Makes a store on a new SQLite file.
    pub async fn sqlite() -> Self {
        let clock = FakeClock::new();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("test.db");
        let path = path.to_str().expect("a temporary path is text");
        let mut options = SqliteOptions::new(path);
        options.clock = Arc::new(clock.clone());
        let store = SqliteStore::open(options).await.expect("a new file");
        Self { clock, store: Arc::new(store), _folder: Some(folder), _schema: None }
    }

    /// Makes a store on a new PostgreSQL schema. Returns `None`, and reports `test` as skipped, when no server is
    /// available.
    pub async fn postgres(test: &str) -> Option<Self> {
        if !postgres::is_available(test) {
            return None;
        }
        let clock = FakeClock::new();
        let schema = Schema::new();
        let mut options = schema.options();
        options.clock = Some(Arc::new(clock.clone()));
        let store = PostgresStore::open(options).await.expect("the server is available");
        postgres::wait_until_listening(&store).await;
        Some(Self { clock, store: Arc::new(store), _folder: None, _schema: Some(schema) })
    }

    /// Returns the current instant of the clock.
    pub fn clock_now(&self) -> chrono::DateTime<chrono::Utc> {
        workflow_engine::ports::Clock::now(&self.clock)
    }

    /// Makes the builder of an engine over the store. To the store, several engines look like several processes.
    pub fn engine(&self) -> EngineBuilder {
        EngineBuilder::with_store(Arc::clone(&self.store), Arc::new(self.clock.clone()))
    }
}

/// Runs each of the named `async fn(World)` as a test on every kind of store.
#[macro_export]
macro_rules! on_every_store {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::memory().await).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::world::World::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let test = concat!(module_path!(), "::", stringify!($name));
                if let Some(world) = $crate::world::World::postgres(test).await {
                    super::$name(world).await;
                }
            })+
        }
    };
}
