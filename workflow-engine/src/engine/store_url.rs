//! Which store a URL means.

use std::sync::Arc;

use crate::error::Error;
use crate::ports::{Store, SystemClock};
use crate::stores::MemoryStore;

pub(super) async fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    if matches!(url, "memory:" | "memory://") {
        return Ok(Arc::new(MemoryStore::new(Arc::new(SystemClock))));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return open_postgres(url).await;
    }
    open_sqlite(url).await
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, Error> {
    use crate::stores::{PostgresOptions, PostgresStore};

    Ok(Arc::new(PostgresStore::open(url, PostgresOptions::default()).await?))
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(_url: &str) -> Result<Arc<dyn Store>, Error> {
    // The URL may hold a password.
    Err(Error::unsupported_url("postgres://…", "PostgreSQL needs the feature `postgres`"))
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    use crate::stores::{SqliteOptions, SqliteStore};

    Ok(Arc::new(SqliteStore::open(url, SqliteOptions::default()).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    Err(Error::unsupported_url(url, "a path is that of a SQLite file, which needs the feature `sqlite`"))
}
