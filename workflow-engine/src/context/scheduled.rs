//! The tick in the metadata of a run that a schedule has started.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::value::Json;

/// The key of the tick in the metadata, and of the schedule's id in the tags.
pub(crate) const SCHEDULE: &str = "schedule";

/// A tick of a schedule.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tick<'a> {
    id: std::borrow::Cow<'a, str>,
    scheduled_for: DateTime<Utc>,
}

/// Returns the tick that has started the run with this metadata.
pub(super) fn scheduled_for(metadata: &Json) -> Option<DateTime<Utc>> {
    let fields: BTreeMap<String, Json> = metadata.decode().ok()?;
    Some(fields.get(SCHEDULE)?.decode::<Tick<'_>>().ok()?.scheduled_for)
}

/// Returns the metadata, an object, with a tick.
#[cfg(feature = "schedules")]
pub(crate) fn with_scheduled_for(metadata: Option<&Json>, id: &str, tick: DateTime<Utc>) -> Option<Json> {
    let mut fields: BTreeMap<String, Json> = metadata.map(Json::decode).transpose().ok()?.unwrap_or_default();
    let tick = Json::write(&Tick { id: id.into(), scheduled_for: tick }).ok()?;
    fields.insert(SCHEDULE.to_owned(), tick);
    Json::write(&fields).ok()
}

/// Removes the tick from the fields of metadata, for a program that does not know of it.
pub(super) fn remove_tick(fields: &mut BTreeMap<String, Json>) -> bool {
    let has_tick = fields.get(SCHEDULE).is_some_and(|tick| tick.decode::<Tick<'_>>().is_ok());
    if has_tick {
        fields.remove(SCHEDULE);
    }
    has_tick
}
