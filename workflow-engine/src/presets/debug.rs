//! The preset for debugging.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Switches for debugging a stage. The stage decides what they do.
///
/// ```
/// let debug = workflow_engine::presets::DebugConfig::default();
/// assert_eq!((debug.verbose, debug.dry_run), (false, false));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DebugConfig {
    /// Whether to log details. Default: off.
    pub verbose: bool,
    /// Whether to skip effects on other systems. Default: off.
    pub dry_run: bool,
}
