//! The preset for feature flags.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Named switches, for example for experimental behavior.
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
    /// The flags that are set. Default: none.
    pub feature_flags: BTreeMap<String, bool>,
}

impl FeatureFlags {
    /// Returns whether the flag with this name is set and on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.feature_flags.get(name).copied().unwrap_or_default()
    }
}
