//! The types of events, for whoever wants to hear of some of them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::event::EventKind;

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident: $stored:literal),* $(,)?) => {
        /// What an event says, without its fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum EventType {
            $($(#[$doc])* $name,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stored name, `stage:completed` for example.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $stored,)*
                }
            }
        }

        impl EventKind {
            /// Its type.
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
    /// Its first stages are ready.
    WorkflowStarted: "workflow:started",
    /// Every stage has completed.
    WorkflowCompleted: "workflow:completed",
    /// A stage failed for good, and the run with it.
    WorkflowFailed: "workflow:failed",
    /// The run was cancelled.
    WorkflowCancelled: "workflow:cancelled",
    /// Nothing of the run can go on, and a stage waits for something outside.
    WorkflowSuspended: "workflow:suspended",
    /// A worker has claimed a stage.
    StageStarted: "stage:started",
    /// What a body says of itself.
    StageProgress: "stage:progress",
    /// A stage waits for something outside.
    StageSuspended: "stage:suspended",
    /// A stage's output is committed.
    StageCompleted: "stage:completed",
    /// An attempt failed and another will follow.
    StageRetrying: "stage:retrying",
    /// A stage failed for good.
    StageFailed: "stage:failed",
    /// A stage was cancelled with its run.
    StageCancelled: "stage:cancelled",
    /// Something was noted about the run, by somebody who wanted it told.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_name_of_its_events() {
        let kind = EventKind::WorkflowCancelled { reason: None };
        assert_eq!(kind.event_type().name(), kind.name());
        // A name is stored, so it is that of an event that can be read back, or needs fields that `{}` lacks.
        for event_type in EventType::ALL {
            let error = EventKind::from_stored(event_type.name(), "{}").err().map(|error| error.to_string());
            assert!(!error.is_some_and(|error| error.contains("unknown variant")), "{event_type}");
        }
    }
}
