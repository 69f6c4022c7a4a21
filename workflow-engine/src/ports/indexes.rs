//! Optional indexes: a store has them on request.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// An index that a store has on request only: every run pays for it, and few programs need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OptionalIndex {
    /// `by-workflow`: the runs of each workflow, newest first. With it, the runs of a rare workflow are listed, counted and
    /// timed at once, however many runs of other workflows there are.
    ByWorkflow,
}

impl OptionalIndex {
    /// Every optional index.
    pub const ALL: &'static [Self] = &[Self::ByWorkflow];

    /// Returns the name: `by-workflow`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByWorkflow => "by-workflow",
        }
    }
}

/// As [`OptionalIndex::name`].
impl fmt::Display for OptionalIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parses the name.
impl FromStr for OptionalIndex {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.iter().find(|index| index.name() == name);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|index| index.name()).collect();
            Error::invalid_request(format!(
                "there is no index `{name}`; the indexes are `{}`",
                known.join("`, `")
            ))
        })
    }
}

/// An optional index that a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IndexCondition {
    /// The index.
    pub index: OptionalIndex,
    /// Whether it can be used. A process that ends while it adds an index leaves one that cannot.
    pub is_usable: bool,
}

/// Adds and drops optional indexes. The store uses one as soon as it is there, in all processes.
#[async_trait]
pub trait Indexes: Send + Sync {
    /// Adds an index. Returns `false` if the store has it already. One that cannot be used is made again.
    ///
    /// # Errors
    /// Both methods fail when the store cannot be written, or the role of the database must not change its tables.
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error>;

    /// Drops an index. Returns `false` if the store does not have it.
    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error>;
}
