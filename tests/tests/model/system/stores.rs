//! The store of each case: a new one, or an emptied one where creating one takes too long.

use std::cell::RefCell;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tests::postgres::Schema;
use tokio::runtime::Runtime;
use workflow_engine::ports::{Persistence, Store};
use workflow_engine::stores::{MemoryStore, PostgresStore, SqliteOptions, SqliteStore, Synchronous};
use workflow_engine::testing::FakeClock;

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
    /// Removed at the end of the case.
    folder: Option<TempDir>,
    schema: Option<Reused>,
}

/// A schema with its store, which is reused: creating one takes longer than a case.
struct Reused {
    schema: Schema,
    store: Arc<PostgresStore>,
    clock: FakeClock,
    connection: PgConnection,
}

thread_local! {
    static RUNTIME: Arc<Runtime> = Arc::new(
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
    );
    static REUSED: RefCell<Option<Reused>> = const { RefCell::new(None) };
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
                Self { store, clock, folder: None, schema: None }
            }
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = folder.path().join("model.db");
                let mut options = SqliteOptions::new(path.to_str().expect("a temporary path is text"));
                options.clock = Arc::new(clock.clone());
                // No case simulates a power failure.
                options.synchronous = Synchronous::Normal;
                let store = SqliteStore::open(options).await.expect("a new file");
                Self { store: Arc::new(store), clock, folder: Some(folder), schema: None }
            }
            Kind::Postgres => {
                let reused = match REUSED.take() {
                    Some(reused) => reused,
                    None => Reused::new(clock).await,
                };
                let store = Arc::clone(&reused.store) as Arc<dyn Store>;
                Self { store, clock: reused.clock.clone(), folder: None, schema: Some(reused) }
            }
        }
    }

    pub async fn close(self) {
        match self.schema {
            Some(mut reused) => {
                reused.empty().await;
                REUSED.set(Some(reused));
            }
            None => self.store.close().await,
        }
        drop(self.folder);
    }
}

impl Reused {
    async fn new(clock: FakeClock) -> Self {
        let schema = Schema::new();
        let mut options = schema.options();
        options.clock = Some(Arc::new(clock.clone()));
        options.connections = 2;
        let store = PostgresStore::open(options).await.expect("the server is running");
        let connection = schema.connect().await;
        Self { schema, store: Arc::new(store), clock, connection }
    }

    async fn empty(&mut self) {
        let tables =
            "SELECT string_agg(format('DELETE FROM %I.%I', schemaname, tablename), ';') FROM pg_tables
                      WHERE schemaname = $1 AND tablename <> 'workflow_migrations'";
        let delete: String = sqlx::query_scalar(tables)
            .bind(self.schema.name())
            .fetch_one(&mut self.connection)
            .await
            .expect("the server is running");
        let all = format!("BEGIN; SET LOCAL session_replication_role = replica; {delete}; COMMIT");
        sqlx::raw_sql(AssertSqlSafe(all)).execute(&mut self.connection).await.expect("the tables exist");
    }
}

/// Closes the store that this thread has kept for the next case.
pub fn close_reused() {
    if let Some(Reused { store, connection, .. }) = REUSED.take() {
        runtime().block_on(async {
            store.close().await;
            let _ = connection.close().await;
        });
    }
}
