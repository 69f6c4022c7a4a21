//! Who acts on a run from outside, and what they did.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::annotation::Annotation;
use super::annotation_key::OPERATOR;
use super::annotation_record::AnnotationRecord;
use crate::value::{Json, Place, RunId};

/// A person or a program that acts on runs from outside. Commands carry it, and the commit of an action keeps it.
///
/// ```
/// use workflow_engine::Actor;
///
/// let ada = Actor::new("ada").via("api").request_id("req-7");
/// # let _ = ada;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Actor {
    /// The name: 1 to 255 bytes, without control characters.
    pub name: String,
    /// The way by which the action came: `api`, `dashboard`, `wfe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The id of the request, to find its other traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Actor {
    /// Creates an actor with this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), via: None, request_id: None }
    }

    /// Sets the way by which its actions come.
    #[must_use]
    pub fn via(mut self, via: impl Into<String>) -> Self {
        self.via = Some(via.into());
        self
    }

    /// Sets the id of the request.
    #[must_use]
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }
}

/// An action on a run from outside, of a command that named its [`Actor`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ActionRecord {
    /// The id. It grows with each action.
    pub id: u64,
    /// The run.
    pub run_id: RunId,
    /// The stage, if the action was about one.
    pub stage_id: Option<String>,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// What was done: `cancel`, `rerun`, `fork`, `wake`, `signal`, `budget`.
    pub action: String,
    /// Who did it.
    pub by: Option<Actor>,
    /// The details: a JSON object, with the reason of a cancellation for example.
    pub details: Json,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
}

/// Makes the annotation that keeps an action in its commit.
pub(crate) fn action(name: &str, details: &Value, by: &Actor) -> Annotation {
    origin(name, details).actor(by.name.clone()).payload(by)
}

/// Makes the annotation of an action whose actor is unknown.
pub(crate) fn origin(name: &str, details: &Value) -> Annotation {
    let mut annotation = Annotation::default();
    match Json::encode(details) {
        Ok(details) => drop(annotation.attributes.insert(format!("{OPERATOR}{name}"), details)),
        Err(error) => annotation.fault = Some(format!("its details cannot be written: {error}")),
    }
    annotation
}

impl ActionRecord {
    /// Reads an action from its annotation; `None` for another annotation.
    pub(crate) fn of(annotation: AnnotationRecord) -> Option<Self> {
        let AnnotationRecord { id, run_id, stage_id, place, key, value, payload, at, .. } = annotation;
        let action = key.strip_prefix(OPERATOR)?.to_owned();
        let by = payload.and_then(|payload| payload.decode().ok());
        Some(Self { id, run_id, stage_id, place, action, by, details: value, at })
    }
}
