//! Presets that combine others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AiConfig, ConcurrencyConfig, DebugConfig, FeatureFlags};

/// The fields of [`AiConfig`], [`ConcurrencyConfig`] and [`FeatureFlags`].
///
/// ```
/// let config = workflow_engine::presets::StandardConfig::default();
/// let json = serde_json::to_value(&config).unwrap();
/// assert_eq!((&json["model"], &json["concurrency"]), (&"gemini-2.5-flash".into(), &5.into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StandardConfig {
    /// The model and its options.
    #[serde(flatten)]
    pub ai: AiConfig,
    /// The concurrency over items.
    #[serde(flatten)]
    pub concurrency: ConcurrencyConfig,
    /// The feature flags.
    #[serde(flatten)]
    pub features: FeatureFlags,
}

/// The fields of all presets.
///
/// ```
/// let config = workflow_engine::presets::FullConfig::default();
/// assert!(!config.debug.dry_run);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FullConfig {
    /// The model and its options.
    #[serde(flatten)]
    pub ai: AiConfig,
    /// The concurrency over items.
    #[serde(flatten)]
    pub concurrency: ConcurrencyConfig,
    /// The feature flags.
    #[serde(flatten)]
    pub features: FeatureFlags,
    /// The debugging switches.
    #[serde(flatten)]
    pub debug: DebugConfig,
}
