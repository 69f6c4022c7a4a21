//! A connection of the store: its own, or one of a pool that belongs to the program.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;

/// A pool of the program, which the store shares.
///
/// Its connections are opened and returned on the program's runtime: their sockets are registered there, and outlive the
/// runtime of the store.
#[derive(Clone)]
pub(super) struct SharedPool {
    pool: PgPool,
    runtime: Handle,
}

impl SharedPool {
    /// Shares a pool. It is called on the runtime of the program.
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, runtime: Handle::current() }
    }

    /// Takes a connection that is in no transaction.
    pub(super) async fn acquire(&self) -> Result<StoreConnection, sqlx::Error> {
        // A task ends early only with its runtime.
        let acquired = self.runtime.spawn(self.pool.acquire()).await;
        let connection = acquired.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))??;
        let runtime = self.runtime.clone();
        Ok(StoreConnection(Kind::Pooled(Pooled { connection: Some(connection), runtime })))
    }

    /// Returns how the pool connects now: a program may change it, for example when a password expires.
    pub(super) fn connect_options(&self) -> Arc<PgConnectOptions> {
        self.pool.connect_options()
    }
}

/// A connection. Dropping it closes it, also where it belongs to a pool: it may be in the middle of a transaction.
pub(super) struct StoreConnection(Kind);

enum Kind {
    Own(PgConnection),
    Pooled(Pooled),
}

/// A connection of the program's pool; it is `None` only while this is dropped.
struct Pooled {
    connection: Option<PoolConnection<Postgres>>,
    runtime: Handle,
}

impl StoreConnection {
    pub(super) const fn own(connection: PgConnection) -> Self {
        Self(Kind::Own(connection))
    }

    /// Takes the connection, which is in no transaction, from its task: one of a pool goes back there, and one of the store
    /// is returned.
    pub(super) fn into_idle(self) -> Option<PgConnection> {
        match self.0 {
            Kind::Own(connection) => Some(connection),
            Kind::Pooled(mut pooled) => {
                // The pool returns it in a task.
                let _entered = pooled.runtime.clone().enter();
                drop(pooled.connection.take());
                None
            }
        }
    }
}

impl Deref for StoreConnection {
    type Target = PgConnection;

    #[allow(clippy::expect_used, reason = "only `into_idle` and `drop` take it")]
    fn deref(&self) -> &PgConnection {
        match &self.0 {
            Kind::Own(connection) => connection,
            Kind::Pooled(pooled) => {
                pooled.connection.as_ref().expect("the connection is present until it is dropped")
            }
        }
    }
}

impl DerefMut for StoreConnection {
    #[allow(clippy::expect_used, reason = "only `into_idle` and `drop` take it")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.0 {
            Kind::Own(connection) => connection,
            Kind::Pooled(pooled) => {
                pooled.connection.as_mut().expect("the connection is present until it is dropped")
            }
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Dropping it would return it to the pool. The pool may begin a task to replace it.
            let _entered = self.runtime.enter();
            drop(connection.detach());
        }
    }
}
