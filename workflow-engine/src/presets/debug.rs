//! Switches for whoever looks for a fault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Switches for whoever looks for a fault.
///
/// ```
/// let debug = workflow_engine::presets::DebugConfig::default();
/// assert_eq!((debug.verbose, debug.dry_run), (false, false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DebugConfig {
    /// Say more. Default off.
    pub verbose: bool,
    /// Change nothing outside. Default off.
    pub dry_run: bool,
}
