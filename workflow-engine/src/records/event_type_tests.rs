//! Tests of the types of events.

use super::*;

#[test]
fn a_type_has_the_name_of_its_events() {
    let kind = EventKind::WorkflowCancelled { reason: None };
    assert_eq!(kind.event_type().name(), kind.name());
    // Each stored name belongs to an event that can be read back, or that needs fields which `{}` lacks.
    for event_type in EventType::ALL {
        let error = EventKind::from_stored(event_type.name(), "{}").err().map(|error| error.to_string());
        assert!(!error.is_some_and(|error| error.contains("unknown variant")), "{event_type}");
    }
}
