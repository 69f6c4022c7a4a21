//! Opens a store: connects, migrates the schema, and starts the tasks.

use std::sync::{Arc, Mutex};

use sqlx::{PgConnection, PgPool, Row};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock_jumps;
use super::committer;
use super::composite_types::RowTypes;
use super::database::Database;
use super::external_commits::ExternalCommits;
use super::failure::Failure;
use super::migrations::migrate;
use super::options::{PostgresOptions, schema_of};
use super::parameters::resolve;
use super::pooler_probe::first_connection;
use super::queue::Queue;
use super::sessions::Sessions;
use super::statement_commits::StatementCommits;
use super::statements::Statements;
use super::{OwnedRuntime, PostgresStore};
use crate::error::Error;

/// The number of the store's own threads. One would do, but a large batch would then delay a heartbeat.
const THREADS: usize = 2;

impl PostgresStore {
    /// Opens a store that borrows its connections from a pool of the program, in the schema `workflow_engine`, and migrates
    /// the schema. [`PostgresOptions::from_pool`] sets further options, and `Engine::builder` takes a pool too.
    ///
    /// A connection is borrowed for one transaction at a time, and comes back as it was: the store sets what its own
    /// statements need for the transaction alone, prepares no statements, and never closes the pool. A connection in doubt,
    /// for example after a timeout, is closed and not returned. One further connection, outside the pool, listens for other
    /// processes, unless [`behind_pooler`](PostgresOptions::behind_pooler) is set.
    ///
    /// The program's runtime drives the connections, so it should have several threads: a body that computes without an
    /// `.await` on a runtime of one thread delays commits and heartbeats. When the pool has no free connection, the store waits
    /// for one, and calls fail with retryable errors after 10 s. Commits are somewhat slower than on connections of the
    /// store's own.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
    /// use sqlx::postgres::PgPoolOptions;
    /// use workflow_engine::Engine;
    ///
    /// let pool = PgPoolOptions::new().max_connections(20).connect("postgres://user:password@localhost/database").await?;
    /// let engine = Engine::builder(pool.clone()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`PostgresStore::open`]; also `INVALID_SETTING` for a pool of a single connection, and `STORE_FAILED` for one whose
    /// sessions are read-only.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn from_pool(pool: PgPool) -> Result<Self, Error> {
        Self::open(PostgresOptions::from_pool(pool)).await
    }

    /// Opens the database that the options or a URL name, and migrates its schema to the version of this engine.
    ///
    /// # Errors
    /// `INVALID_SETTING` for an option that is out of its range; `UNSUPPORTED_STORE` when the URL or the schema's name
    /// is invalid; `STORE_UNAVAILABLE` when the server cannot be reached; `MISSING_PRIVILEGE` when the role lacks a
    /// right; `SCHEMA_OUTDATED` when it must not be migrated; `STORE_FAILED` when the server refuses, or when a later version of the engine has migrated the schema.
    /// No message shows a password.
    pub async fn open(options: impl Into<PostgresOptions>) -> Result<Self, Error> {
        let options = resolve(options.into())?;
        options.check()?;
        let schema = schema_of(&options)?.to_owned();
        let statements = Statements::new(&schema, options.end_user_statements());
        let row_types = RowTypes::of_schema(&schema);
        let database = Database::new(Sessions::new(&options)?, statements, row_types, &options);
        let database = Arc::new(database);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("workflow-engine-postgres")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| Error::store_unavailable("start the threads of the store", error))?;
        let runtime = OwnedRuntime::new(runtime);

        let (shared, named, migrates) = (Arc::clone(&database), schema.clone(), options.migrate);
        let migrated = runtime.spawn(async move {
            let mut connection = first_connection(&shared).await?;
            if shared.pool.is_some() {
                check_session(&mut connection).await?;
            }
            migrate(&mut connection, &named, migrates).await?;
            shared.release(connection);
            Ok::<(), Failure>(())
        });
        migrated.await.map_err(|error| Error::store_failed("open the database", error))??;

        let queue = Arc::new(Queue::default());
        let serve = |_| runtime.spawn(committer::serve(Arc::clone(&database), Arc::clone(&queue)));
        let committers = (0..options.connections).map(serve).collect();
        let stop = CancellationToken::new();
        let sender = Uuid::now_v7();
        let session = session_name(&database.sessions, sender);
        let external_commits = Arc::new(ExternalCommits {
            database: Arc::clone(&database),
            channel: format!("workflow_engine.{schema}"),
            session: session.clone(),
            sender: sender.to_string(),
            stop: stop.clone(),
        });
        watch(&runtime, &external_commits);
        runtime.spawn(clock_jumps::follow(Arc::clone(&database), Arc::clone(&queue), stop.clone()));
        let (committers, request_loader) = (Mutex::new(committers), Arc::default());
        let statement_commits = Arc::new(StatementCommits::new(&options));
        Ok(Self { database, queue, statement_commits, session, request_loader, committers, stop, runtime })
    }
}

/// Checks that sessions of a program's pool can write.
async fn check_session(connection: &mut PgConnection) -> Result<(), Failure> {
    const ACTION: &str = "use the program's pool";

    let failed = |error| Failure::database(ACTION, error);
    let read_only = sqlx::raw_sql("SELECT current_setting('transaction_read_only')");
    let row = read_only.fetch_one(connection).await.map_err(failed)?;
    match row.try_get::<String, _>(0).map_err(failed)?.as_str() {
        "off" => Ok(()),
        _ => Err(Failure::permanent(ACTION, ReadOnlyPool)),
    }
}

/// The pool of a program whose sessions only read.
#[derive(Debug, thiserror::Error)]
#[error(
    "its sessions are read-only, by `default_transaction_read_only` or because the server is a standby; give the store a pool that writes"
)]
struct ReadOnlyPool;

/// Returns an `application_name` that no other session has: the usual one, and a part of the store's id. PostgreSQL keeps
/// 63 bytes of a name.
fn session_name(sessions: &Sessions, sender: Uuid) -> String {
    const USUAL: usize = 40;

    let mode = sessions.mode();
    let usual = mode.connect.get_application_name().unwrap_or_default();
    // PostgreSQL shows other characters than printable ASCII as `?` or in an escaped form.
    let usual: String = usual.chars().filter(|c| matches!(c, ' '..='~')).take(USUAL).collect();
    format!("{usual}/{}", &sender.simple().to_string()[16..])
}

fn watch(runtime: &Runtime, external_commits: &Arc<ExternalCommits>) {
    let [notifier, listener, poller] = std::array::from_fn(|_| Arc::clone(external_commits));
    let spawn: [JoinHandle<()>; 3] = [
        runtime.spawn(async move { notifier.notify().await }),
        runtime.spawn(async move { poller.poll().await }),
        runtime.spawn(async move { listener.listen().await }),
    ];
    drop(spawn);
}
