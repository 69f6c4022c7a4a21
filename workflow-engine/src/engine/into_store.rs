//! What an engine is built on: a URL, options of a store, or a store.

#[cfg(feature = "sqlite")]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::ports::{Store, SystemClock};
use crate::stores::MemoryStore;
use crate::stores::location::{StoreKind, kind_of};
#[cfg(feature = "postgres")]
use crate::stores::{PgPool, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
use crate::stores::{SqliteOptions, SqliteStore};

/// What [`Engine::builder`](crate::Engine::builder) takes: a URL, the path of a SQLite file, options of a store, or a store that
/// is open.
///
/// A URL is one of
/// - `sqlite://path`, `sqlite:path`, or a plain path: a SQLite file, created if it does not exist (feature `sqlite`);
/// - `postgres://user:password@host/database` (feature `postgres`);
/// - `memory:`: a store in memory, which is dropped with the engine.
///
/// On PostgreSQL it may also be a pool of the program: see `PostgresStore::from_pool`.
///
/// Parameters after a `?` set options: see `SqliteOptions::location` and `PostgresOptions::url`. A word that is meant as a
/// URL, such as `postgres` or `memory`, is an error; for a file of that name, write `./postgres`.
#[diagnostic::on_unimplemented(
    message = "an engine cannot be built on a `{Self}`",
    label = "no URL, path, options or store",
    note = "write a URL such as `\"sqlite:runs.db\"`, a path, the options of a store, or an `Arc` of an open store"
)]
pub trait IntoStore {
    /// The source of the store; [`EngineBuilder::build`](crate::EngineBuilder::build) opens it.
    fn into_store(self) -> StoreSource;
}

/// A store, or how to open it.
pub struct StoreSource(Source);

enum Source {
    Url(String),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteOptions),
    /// A path that is not UTF-8, as it is shown.
    #[cfg(feature = "sqlite")]
    Path(String),
    #[cfg(feature = "postgres")]
    Postgres(PostgresOptions),
    Open(Arc<dyn Store>),
}

impl StoreSource {
    /// Returns whether the engine opens the store itself, and so closes it when its last handle is dropped.
    pub(super) const fn is_opened_here(&self) -> bool {
        !matches!(self.0, Source::Open(_))
    }

    pub(super) async fn open(self) -> Result<Arc<dyn Store>, Error> {
        match self.0 {
            Source::Url(url) => open_url(&url).await,
            #[cfg(feature = "sqlite")]
            Source::Path(path) => Err(Error::unsupported_url(&path, "the path is not UTF-8")),
            #[cfg(feature = "sqlite")]
            Source::Sqlite(options) => Ok(Arc::new(SqliteStore::open(options).await?)),
            #[cfg(feature = "postgres")]
            Source::Postgres(options) => Ok(Arc::new(PostgresStore::open(options).await?)),
            Source::Open(store) => Ok(store),
        }
    }
}

impl IntoStore for StoreSource {
    fn into_store(self) -> StoreSource {
        self
    }
}

impl IntoStore for &str {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Url(self.to_owned()))
    }
}

impl IntoStore for String {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Url(self))
    }
}

impl IntoStore for &String {
    fn into_store(self) -> StoreSource {
        self.as_str().into_store()
    }
}

/// A SQLite file at this path, which must be UTF-8.
#[cfg(feature = "sqlite")]
impl IntoStore for &Path {
    fn into_store(self) -> StoreSource {
        // Not as a URL: a path can be called `memory:`.
        StoreSource(self.to_str().map_or_else(
            || Source::Path(self.display().to_string()),
            |path| Source::Sqlite(SqliteOptions::new(format!("sqlite:{path}"))),
        ))
    }
}

/// A SQLite file at this path, which must be UTF-8.
#[cfg(feature = "sqlite")]
impl IntoStore for PathBuf {
    fn into_store(self) -> StoreSource {
        self.as_path().into_store()
    }
}

#[cfg(feature = "sqlite")]
impl IntoStore for SqliteOptions {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Sqlite(self))
    }
}

#[cfg(feature = "postgres")]
impl IntoStore for PostgresOptions {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Postgres(self))
    }
}

/// A pool of the program, which the store shares: see [`PostgresStore::from_pool`].
#[cfg(feature = "postgres")]
impl IntoStore for PgPool {
    fn into_store(self) -> StoreSource {
        PostgresOptions::from_pool(self).into_store()
    }
}

impl IntoStore for Arc<dyn Store> {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Open(self))
    }
}

impl<S: Store + 'static> IntoStore for Arc<S> {
    fn into_store(self) -> StoreSource {
        StoreSource(Source::Open(self))
    }
}

async fn open_url(url: &str) -> Result<Arc<dyn Store>, Error> {
    match kind_of(url)? {
        StoreKind::Memory => Ok(Arc::new(MemoryStore::new(Arc::new(SystemClock)))),
        StoreKind::Postgres => open_postgres(url).await,
        StoreKind::Sqlite => open_sqlite(url).await,
    }
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(PostgresStore::open(url).await?))
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(url: &str) -> Result<Arc<dyn Store>, Error> {
    Err(Error::unsupported_url(url, "PostgreSQL needs the feature `postgres`"))
}

#[cfg(feature = "sqlite")]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    Ok(Arc::new(SqliteStore::open(url).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn open_sqlite(url: &str) -> Result<Arc<dyn Store>, Error> {
    Err(Error::unsupported_url(url, "a path names a SQLite file, which needs the feature `sqlite`"))
}
