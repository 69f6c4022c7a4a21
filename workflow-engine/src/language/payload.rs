//! The one bound on everything that is stored.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What can be stored: fields of input and configuration, and outputs.
///
/// Never implemented by hand: derive `Serialize`, `Deserialize` and `JsonSchema`.
pub trait Payload: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Payload for T {}
