//! Opens a store: connects, migrates the schema, and starts the tasks.

use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

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
            migrate(&mut connection, &named, migrates).await?;
            shared.release(connection);
            Ok::<(), Failure>(())
        });
        migrated.await.map_err(|error| Error::store_failed("open the database", error))??;

        let queue = Arc::new(Queue::default());
        let serve = |_| runtime.spawn(committer::serve(Arc::clone(&database), Arc::clone(&queue)));
        let committers = (0..options.connections).map(serve).collect();
        let stop = CancellationToken::new();
        let external_commits = Arc::new(ExternalCommits {
            database: Arc::clone(&database),
            channel: format!("workflow_engine.{schema}"),
            sender: uuid::Uuid::now_v7().to_string(),
            stop: stop.clone(),
        });
        watch(&runtime, &external_commits);
        runtime.spawn(clock_jumps::follow(Arc::clone(&database), Arc::clone(&queue), stop.clone()));
        let (committers, request_loader) = (Mutex::new(committers), Arc::default());
        let statement_commits = Arc::new(StatementCommits::new(&options));
        Ok(Self { database, queue, statement_commits, request_loader, committers, stop, runtime })
    }
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
