//! The types of events, to subscribe to some of them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::event::EventKind;

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident: $stored:literal),* $(,)?) => {
        /// The type of an event: its kind without its fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the stored name, for example `stage:completed`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $stored,)*
                }
            }
        }

        impl EventKind {
            /// Returns the type of the event.
            #[must_use]
            pub const fn event_type(&self) -> EventType {
                match self {
                    $(Self::$name { .. } => EventType::$name,)*
                }
            }
        }
    };
}

event_types! {
    /// The run is stored.
    WorkflowCreated: "workflow:created",
    /// The run's first stages are ready.
    WorkflowStarted: "workflow:started",
    /// Every stage has completed.
    WorkflowCompleted: "workflow:completed",
    /// A stage failed and is not retried, and the run failed with it.
    WorkflowFailed: "workflow:failed",
    /// The run was cancelled.
    WorkflowCancelled: "workflow:cancelled",
    /// No stage of the run is ready or running, and at least one waits for something outside.
    WorkflowSuspended: "workflow:suspended",
    /// A worker has claimed a stage.
    StageStarted: "stage:started",
    /// A body has reported its progress.
    StageProgress: "stage:progress",
    /// A stage waits for something outside.
    StageSuspended: "stage:suspended",
    /// A stage has received a signal.
    StageSignalled: "stage:signalled",
    /// A stage's output is committed.
    StageCompleted: "stage:completed",
    /// A stage does not run: it is in an arm that was not taken, or after a failure in a `catch`.
    StageSkipped: "stage:skipped",
    /// An attempt failed and will be retried.
    StageRetrying: "stage:retrying",
    /// A job went back to the queue, and the attempt does not count.
    StageReturned: "stage:returned",
    /// A stage failed and is not retried.
    StageFailed: "stage:failed",
    /// A stage was cancelled with its run, or because of a failure in its `catch`.
    StageCancelled: "stage:cancelled",
    /// An annotation that requests events was stored.
    AnnotationCreated: "annotation:created",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|known| known.name() == name);
        let unknown = || serde::de::Error::custom(format_args!("`{name}` is not a type of event"));
        known.copied().ok_or_else(unknown)
    }
}

impl JsonSchema for EventType {
    fn schema_name() -> Cow<'static, str> {
        "EventType".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::EventType").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
#[path = "event_type_tests.rs"]
mod tests;
