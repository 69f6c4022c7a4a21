//! A program's own transaction, in which it enqueues a run.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::ports::{EnqueueTarget, EnqueuedRun};
use crate::value::RunId;

/// A transaction of a program: `sqlx::Transaction`, or a connection of sqlx on which a transaction has begun. See
/// [`StartRun::in_transaction`](crate::StartRun::in_transaction).
///
/// ```
/// # use sqlx::Connection;
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn ship(order: i64) -> StageResult<String> {
///     Ok(format!("order {order} is on its way"))
/// }
///
/// workflow! { Shipping = ship }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("shop.db").display().to_string();
/// let engine = Engine::builder(&file).register::<Shipping>().build().await?;
/// # let mut connection = sqlx::SqliteConnection::connect(&file).await?;
/// # sqlx::query("CREATE TABLE orders (id INTEGER)").execute(&mut connection).await?;
/// let mut transaction = connection.begin().await?;
/// sqlx::query("INSERT INTO orders (id) VALUES (7)").execute(&mut *transaction).await?;
/// let run = engine.start::<Shipping>(ShipInput { order: 7 }).in_transaction(&mut transaction).await?;
/// transaction.commit().await?;
///
/// assert_eq!(run.output().await?, "order 7 is on its way");
/// # engine.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub trait ProgramTransaction: Send {
    /// Stores the run in this transaction. Returns its id and the hash of its request, which are those of the first
    /// request with this key.
    ///
    /// # Errors
    /// `INVALID_REQUEST` if the store is not of this kind of database; an error of the database, for example because it
    /// does not have the engine's tables.
    fn enqueue<'a>(
        &'a mut self,
        target: &'a EnqueueTarget,
        run: &'a EnqueuedRun,
    ) -> BoxFuture<'a, Result<(RunId, Option<String>), Error>>;
}

#[cfg(feature = "sqlite")]
impl ProgramTransaction for sqlx::SqliteConnection {
    fn enqueue<'a>(
        &'a mut self,
        target: &'a EnqueueTarget,
        run: &'a EnqueuedRun,
    ) -> BoxFuture<'a, Result<(RunId, Option<String>), Error>> {
        async move {
            match target {
                EnqueueTarget::Sqlite { prefix } => super::sqlite::enqueue(self, prefix, run).await,
                EnqueueTarget::Postgres { .. } => Err(other_database("SQLite", "PostgreSQL")),
            }
        }
        .boxed()
    }
}

#[cfg(feature = "sqlite")]
impl ProgramTransaction for sqlx::Transaction<'_, sqlx::Sqlite> {
    fn enqueue<'a>(
        &'a mut self,
        target: &'a EnqueueTarget,
        run: &'a EnqueuedRun,
    ) -> BoxFuture<'a, Result<(RunId, Option<String>), Error>> {
        (**self).enqueue(target, run)
    }
}

#[cfg(feature = "postgres")]
impl ProgramTransaction for sqlx::PgConnection {
    fn enqueue<'a>(
        &'a mut self,
        target: &'a EnqueueTarget,
        run: &'a EnqueuedRun,
    ) -> BoxFuture<'a, Result<(RunId, Option<String>), Error>> {
        async move {
            match target {
                EnqueueTarget::Postgres { schema } => super::postgres::enqueue(self, schema, run).await,
                EnqueueTarget::Sqlite { .. } => Err(other_database("PostgreSQL", "SQLite")),
            }
        }
        .boxed()
    }
}

#[cfg(feature = "postgres")]
impl ProgramTransaction for sqlx::Transaction<'_, sqlx::Postgres> {
    fn enqueue<'a>(
        &'a mut self,
        target: &'a EnqueueTarget,
        run: &'a EnqueuedRun,
    ) -> BoxFuture<'a, Result<(RunId, Option<String>), Error>> {
        (**self).enqueue(target, run)
    }
}

fn other_database(transaction: &str, store: &str) -> Error {
    Error::invalid_request(format!(
        "the transaction is one of {transaction}, but the engine's store is on {store}: use a transaction on the \
         database of the engine"
    ))
}
