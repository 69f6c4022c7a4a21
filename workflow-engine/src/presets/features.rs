//! Switches by name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Switches by name, for what is tried out.
///
/// ```
/// use workflow_engine::presets::FeatureFlags;
///
/// let flags = FeatureFlags { feature_flags: [("new-layout".to_owned(), true)].into() };
/// assert!(flags.is_on("new-layout"));
/// assert!(!flags.is_on("colours"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FeatureFlags {
    /// The switches that are set. Default: none.
    pub feature_flags: BTreeMap<String, bool>,
}

impl FeatureFlags {
    /// Whether the switch of this name is set, and on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.feature_flags.get(name).copied().unwrap_or_default()
    }
}
