//! The causes that a store finds in its surroundings: files, locks, rights, encodings, descriptors.

use std::error::Error as StdError;

use super::{Error, ErrorCode};

impl Error {
    /// The system has no file descriptor for the process.
    pub(crate) fn descriptors_exhausted(
        doing: &str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let message = format!(
            "cannot {doing}: the process has too few free file descriptors ({source}); raise its limit (`ulimit -n`)"
        );
        Self::new(ErrorCode::DescriptorsExhausted, message).because(source)
    }

    /// The role of the database lacks a right.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL has roles"))]
    pub(crate) fn missing_privilege(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::MissingPrivilege, format!("cannot {doing}: {source}")).because(source)
    }

    /// The database's encoding cannot hold a text.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL has encodings"))]
    pub(crate) fn text_not_encodable(
        doing: &str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let message = format!(
            "cannot {doing}: the database cannot hold a text: {source}; use a database with the encoding UTF8"
        );
        Self::new(ErrorCode::TextNotEncodable, message).because(source)
    }

    /// Another process has held the write lock of a SQLite file for too long.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite has such a lock"))]
    pub(crate) fn store_locked(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        let message = format!(
            "cannot {doing}: {source}; another process holds the write lock: it may be suspended, or keep a transaction open"
        );
        Self::new(ErrorCode::StoreLocked, message).because(source)
    }

    /// A store that must not be migrated is not up to date.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        allow(dead_code, reason = "only SQL has a schema")
    )]
    pub(crate) fn schema_outdated(doing: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::SchemaOutdated, format!("cannot {doing}: {source}")).because(source)
    }

    /// A name no longer leads to the SQLite file that the process has open.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite has files"))]
    pub(crate) fn store_file_replaced(
        path: &std::path::Path,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        let message = format!(
            "the file `{}` is not the one that the engine has open: {source}; stop every process that uses the old file, put the right one in place, and start them again",
            path.display()
        );
        Self::new(ErrorCode::StoreFileReplaced, message).because(source)
    }
}
