//! Several presets in one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AiConfig, ConcurrencyConfig, DebugConfig, FeatureFlags};

/// [`AiConfig`], [`ConcurrencyConfig`] and [`FeatureFlags`], their fields side by side.
///
/// ```
/// let config = workflow_engine::presets::StandardConfig::default();
/// let json = serde_json::to_value(&config).unwrap();
/// assert_eq!((&json["model"], &json["concurrency"]), (&"gemini-2.5-flash".into(), &5.into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StandardConfig {
    /// Which model, and how.
    #[serde(flatten)]
    pub ai: AiConfig,
    /// How many items at a time.
    #[serde(flatten)]
    pub concurrency: ConcurrencyConfig,
    /// Switches by name.
    #[serde(flatten)]
    pub features: FeatureFlags,
}

/// Every preset, their fields side by side.
///
/// ```
/// let config = workflow_engine::presets::FullConfig::default();
/// assert!(!config.debug.dry_run);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FullConfig {
    /// Which model, and how.
    #[serde(flatten)]
    pub ai: AiConfig,
    /// How many items at a time.
    #[serde(flatten)]
    pub concurrency: ConcurrencyConfig,
    /// Switches by name.
    #[serde(flatten)]
    pub features: FeatureFlags,
    /// Switches for whoever looks for a fault.
    #[serde(flatten)]
    pub debug: DebugConfig,
}
