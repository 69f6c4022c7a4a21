//! The store of each case: a new one, or an emptied one where creating one takes too long.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tests::postgres::Schema;
use tests::stored::{self, Database};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use workflow_engine::ports::{Clock, Persistence, Store};
use workflow_engine::stores::{MemoryStore, PostgresStore, SqliteOptions, SqliteStore, Synchronous};
use workflow_engine::testing::FakeClock;

use crate::workflows::PERIOD_MS;

/// The kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
    Postgres,
}

/// An open store with its clock.
pub struct Opened {
    pub store: Arc<dyn Store>,
    pub clock: FakeClock,
    /// A connection beside the store, where it has tables.
    tables: Option<Mutex<Database>>,
    /// Removed at the end of the case.
    folder: Option<TempDir>,
    schema: Option<Reused>,
}

/// A schema with its store, which is reused: creating one takes longer than a case.
struct Reused {
    schema: Schema,
    store: Arc<PostgresStore>,
    clock: FakeClock,
}

thread_local! {
    static RUNTIME: Arc<Runtime> = Arc::new(
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
    );
    static REUSED: RefCell<Option<(Reused, Database)>> = const { RefCell::new(None) };
}

/// Returns the runtime of this thread, on which the reused store runs.
pub fn runtime() -> Arc<Runtime> {
    RUNTIME.with(Arc::clone)
}

impl Opened {
    pub async fn open(kind: Kind) -> Self {
        let clock = FakeClock::new();
        match kind {
            Kind::Memory => {
                let store = Arc::new(MemoryStore::new(Arc::new(clock.clone())));
                Self { store, clock, tables: None, folder: None, schema: None }
            }
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = folder.path().join("model.db");
                let path = path.to_str().expect("a temporary path is text");
                let mut options = SqliteOptions::new(path);
                options.clock = Arc::new(clock.clone());
                // No case simulates a power failure.
                options.synchronous = Synchronous::Normal;
                let store = SqliteStore::open(options).await.expect("a new file");
                let tables = Some(Mutex::new(Database::sqlite(path).await));
                Self { store: Arc::new(store), clock, tables, folder: Some(folder), schema: None }
            }
            Kind::Postgres => {
                let (reused, tables) = match REUSED.take() {
                    Some(reused) => reused,
                    None => Reused::new(clock).await,
                };
                let store = Arc::clone(&reused.store) as Arc<dyn Store>;
                let (clock, tables) = (reused.clock.clone(), Some(Mutex::new(tables)));
                Self { store, clock, tables, folder: None, schema: Some(reused) }
            }
        }
    }

    /// Advances the clock to an instant at which the schedules tick, so that their first tick is a whole period later.
    pub fn advance_to_tick(&self) {
        let period = i64::try_from(PERIOD_MS).expect("some seconds");
        let passed = self.clock.now().timestamp_millis().rem_euclid(period);
        self.clock.advance(Duration::from_millis((period - passed).unsigned_abs()));
    }

    /// Checks the invariants of the rows.
    pub async fn check_rows(&self) {
        if let Some(tables) = &self.tables {
            stored::check(&mut *tables.lock().await).await;
        }
    }

    pub async fn close(self) {
        match (self.schema, self.tables.map(Mutex::into_inner)) {
            (Some(reused), Some(mut tables)) => {
                reused.empty(&mut tables).await;
                REUSED.set(Some((reused, tables)));
            }
            _ => self.store.close().await,
        }
        drop(self.folder);
    }
}

impl Reused {
    async fn new(clock: FakeClock) -> (Self, Database) {
        let schema = Schema::new();
        let mut options = schema.options();
        options.clock = Some(Arc::new(clock.clone()));
        options.connections = 2;
        let store = PostgresStore::open(options).await.expect("the server is running");
        let tables = Database::of(&schema).await;
        (Self { schema, store: Arc::new(store), clock }, tables)
    }

    async fn empty(&self, tables: &mut Database) {
        let name = self.schema.name();
        let delete = format!(
            "SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables
             WHERE schemaname = '{name}' AND tablename <> 'workflow_migrations'"
        );
        let delete = tables.column(&delete).await.concat();
        let all = format!("BEGIN; SET LOCAL session_replication_role = replica; {delete}; COMMIT");
        tables.run(&all).await;
    }
}

/// Closes the store that this thread has kept for the next case.
pub fn close_reused() {
    if let Some((Reused { store, .. }, tables)) = REUSED.take() {
        runtime().block_on(async {
            store.close().await;
            tables.close().await;
        });
    }
}
