//! Which store a URL means.

use std::sync::Arc;

use crate::error::Error;
use crate::ports::{Store, SystemClock};
use crate::stores::MemoryStore;

pub(super) async fn open(url: &str) -> Result<Arc<dyn Store>, Error> {
    if matches!(url, "memory:" | "memory://") {
        return Ok(Arc::new(MemoryStore::new(Arc::new(SystemClock))));
    }
    open_sqlite(url).await
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    use crate::stores::{SqliteOptions, SqliteStore};

    Ok(Arc::new(SqliteStore::open(url, SqliteOptions::default()).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    Err(Error::unsupported_url(url, "this build has `memory:` alone; SQLite needs the feature `sqlite`"))
}
