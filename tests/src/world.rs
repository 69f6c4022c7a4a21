//! A store of each kind with a clock that the test owns.

use std::sync::Arc;

use tempfile::TempDir;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::Store;
use workflow_engine::stores::{MemoryStore, SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

/// A store, its clock, and the folder that goes with them.
pub struct World {
    /// Moves only when the test says so.
    pub clock: FakeClock,
    /// The store.
    pub store: Arc<dyn Store>,
    _folder: Option<TempDir>,
}

impl World {
    /// The store in memory.
    pub async fn memory() -> Self {
        let clock = FakeClock::new();
        let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
        Self { clock, store, _folder: None }
    }

    /// An SQLite file of its own.
    pub async fn sqlite() -> Self {
        let clock = FakeClock::new();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut options = SqliteOptions::default();
        options.clock = Arc::new(clock.clone());
        let path = folder.path().join("test.db");
        let path = path.to_str().expect("a temporary path is text");
        let store = SqliteStore::open(path, options).await.expect("a new file");
        Self { clock, store: Arc::new(store), _folder: Some(folder) }
    }

    /// The instant at which the clock stands.
    pub fn clock_now(&self) -> chrono::DateTime<chrono::Utc> {
        workflow_engine::ports::Clock::now(&self.clock)
    }

    /// An engine over it; several engines over one world are several processes, as far as the store can tell.
    pub fn engine(&self) -> EngineBuilder {
        EngineBuilder::over(Arc::clone(&self.store), Arc::new(self.clock.clone()))
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
    };
}
