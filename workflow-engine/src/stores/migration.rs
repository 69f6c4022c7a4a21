//! A migration that a store lacks.

/// Why a store cannot be opened as it is.
#[derive(Debug, thiserror::Error)]
#[error("{what}; run `wfe migrate`, or start a worker, which migrates")]
pub(super) struct MissingMigration {
    what: String,
}

impl MissingMigration {
    /// Names the first migration that is missing; with `is_empty`, none has been applied.
    pub(super) fn new(version: i64, name: &str, is_empty: bool) -> Self {
        let what = if is_empty {
            "it has no tables of the engine".to_owned()
        } else {
            format!("its schema lacks migration {version} (`{name}`)")
        };
        Self { what }
    }
}
