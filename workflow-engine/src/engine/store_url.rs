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

    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    if path.is_empty() {
        return Err(Error::unsupported_url(url, "it names no file"));
    }
    if path.contains("://") {
        return Err(Error::unsupported_url(url, "expected `sqlite://path`, a path, or `memory:`"));
    }
    Ok(Arc::new(SqliteStore::open(path, SqliteOptions::default()).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    Err(Error::unsupported_url(url, "this build has `memory:` alone; SQLite needs the feature `sqlite`"))
}
