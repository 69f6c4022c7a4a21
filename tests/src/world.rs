//! A store of each kind with a clock that the test owns.

use std::sync::Arc;

use tempfile::TempDir;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::Store;
use workflow_engine::stores::{MemoryStore, PostgresStore, SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

use crate::postgres::{self, Schema};

/// A store, its clock, and what goes with them.
pub struct World {
    /// Moves only when the test says so.
    pub clock: FakeClock,
    /// The store.
    pub store: Arc<dyn Store>,
    _folder: Option<TempDir>,
    _schema: Option<Schema>,
}

impl World {
    /// The store in memory.
    pub async fn memory() -> Self {
        let clock = FakeClock::new();
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        Self { clock, store, _folder: None, _schema: None }
    }

    /// An SQLite file of its own.
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

    /// A schema of its own on PostgreSQL; `None` where there is none, and `test` is skipped.
    pub async fn postgres(test: &str) -> Option<Self> {
        if !postgres::is_available(test) {
            return None;
        }
        let clock = FakeClock::new();
        let schema = Schema::new();
        let mut options = schema.options();
        options.clock = Some(Arc::new(clock.clone()));
        let store = PostgresStore::open(options).await.expect("the server is there");
        Some(Self { clock, store: Arc::new(store), _folder: None, _schema: Some(schema) })
    }

    /// The instant at which the clock stands.
    pub fn clock_now(&self) -> chrono::DateTime<chrono::Utc> {
        workflow_engine::ports::Clock::now(&self.clock)
    }

    /// An engine over it; several engines over one world are several processes, as far as the store can tell.
    pub fn engine(&self) -> EngineBuilder {
        EngineBuilder::with_store(Arc::clone(&self.store), Arc::new(self.clock.clone()))
    }
}

/// Makes each named `async fn(World)` a test on every store.
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
