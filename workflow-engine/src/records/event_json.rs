//! The JSON form of an event.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::event::{Event, EventKind};
use super::event_type::EventType;
use crate::value::{Json, RunId};

/// An event as JSON. The fields of its type are apart, in `data`: they hold raw JSON, which serde cannot read back from
/// between the other fields.
#[derive(Serialize, Deserialize)]
struct EventJson<'a> {
    run_id: RunId,
    sequence: u64,
    at: DateTime<Utc>,
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
    causation_id: String,
    data: Json,
}

/// `{"run_id": …, "sequence": 4, "at": …, "type": "stage:completed", "data": {"stage_id": …}}`.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = self.kind.payload().map_err(S::Error::custom)?;
        let (run_id, sequence, at) = (self.run_id, self.sequence, self.at);
        let name = self.kind.name().into();
        let (causation_id, data) = (self.causation_id.clone(), Json::trusted(data));
        EventJson { run_id, sequence, at, name, causation_id, data }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let EventJson { run_id, sequence, at, name, causation_id, data } =
            EventJson::deserialize(deserializer)?;
        // It becomes the text of a key.
        let known = EventType::ALL.iter().find(|known| known.name() == name);
        let known = known.ok_or_else(|| D::Error::custom(format_args!("`{name}` is not a type of event")))?;
        let kind = EventKind::from_stored(known.name(), data.as_str()).map_err(D::Error::custom)?;
        Ok(Self { run_id, sequence, at, kind, causation_id })
    }
}

impl JsonSchema for Event {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Event").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let at = generator.subschema_for::<DateTime<Utc>>();
        let run_id = generator.subschema_for::<RunId>();
        let name = generator.subschema_for::<EventType>();
        schemars::json_schema!({
            "type": "object",
            "required": ["run_id", "sequence", "at", "type", "causation_id", "data"],
            "properties": {
                "run_id": run_id,
                "sequence": { "type": "integer", "minimum": 1 },
                "at": at,
                "type": name,
                "causation_id": { "type": "string" },
                "data": { "type": "object" },
            },
        })
    }
}
