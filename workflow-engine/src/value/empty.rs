//! The input of a stage without plain parameters, and the configuration of a stage without `#[config]` parameters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The input of a stage without plain parameters: `null` in JSON. Such a stage can follow anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoInput;

/// The configuration of a stage without `#[config]` parameters: `{}` in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// The ticket of a check whose declaration has a compile error: it accepts every type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Faulty;
