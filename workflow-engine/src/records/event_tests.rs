//! Tests of stored events.

use super::*;

#[test]
fn an_event_is_read_back_from_its_name_and_payload() {
    let output = Json::parse(r#"{"a":[1,2,340282366920938463463374607431768211455]}"#).unwrap();
    let kinds = [
        EventKind::WorkflowStarted {},
        EventKind::WorkflowCompleted { duration_ms: 5, output: Some(output) },
        EventKind::WorkflowCompleted { duration_ms: 5, output: Some(Json::null()) },
        EventKind::WorkflowCompleted { duration_ms: 5, output: None },
        EventKind::AnnotationCreated {
            stage_id: None,
            key: "review.outcome".into(),
            value: Json::null(),
            actor: Some("ada".into()),
            scope: None,
        },
        EventKind::StageFailed {
            stage_id: "a".into(),
            stage_name: "A".into(),
            attempt: 3,
            error: "no \"way\"\n".into(),
        },
    ];
    for kind in kinds {
        let payload = kind.payload().unwrap();
        assert_eq!(EventKind::from_stored(kind.name(), &payload).unwrap(), kind);
    }
}
