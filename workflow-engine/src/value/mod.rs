//! Values: stored JSON, money, ids, size limits, and the bound on types that can be stored.

pub(crate) mod hex;
pub(crate) mod maybe_milliseconds;
pub(crate) mod milliseconds;
mod run_id;
mod call_id;
mod place;
mod stage_key;
mod id_map;
mod cost;
mod payload;
mod schemas;
mod json;
pub(crate) mod canonical;
pub(crate) mod exact;
mod empty;
pub(crate) mod limits;
pub(crate) mod setting;
mod nearest;
mod unknown;
mod name;
mod bytes;

pub use bytes::Bytes;
pub use call_id::CallId;
pub use cost::Cost;
pub use empty::{Faulty, NoConfig, NoInput};
pub use json::Json;
pub use limits::{Limits, MAX_DEPTH};
pub use payload::{Payload, Storable};
pub use place::Place;
pub use run_id::RunId;
pub use stage_key::StageKey;

pub(crate) use exact::Lossy;
pub(crate) use id_map::{IdMap, IdSet};
pub(crate) use name::{MAX_NAME_BYTES, is_name};
pub(crate) use nearest::{nearest, unknown_field};
pub(crate) use payload::Stored;
pub(crate) use unknown::{FieldPath, find_unknown};
