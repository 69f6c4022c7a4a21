//! Tests of stored events.

use super::*;

#[test]
fn an_event_is_read_back_from_its_name_and_payload() {
    let output = Json::parse(r#"{"a":[1,2,340282366920938463463374607431768211455]}"#).unwrap();
    let kinds = [
        EventKind::WorkflowStarted {},
        completed(0, Some(output), &[]),
        completed(7, Some(Json::null()), &[]),
        completed(0, None, &["a", "b"]),
        EventKind::StageReturned {
            place: crate::value::Place::default(),
            stage_id: "a".into(),
            stage_name: "A".into(),
            attempt: 1,
            reason: "the worker stops".into(),
        },
        EventKind::AnnotationCreated {
            place: crate::value::Place::default(),
            stage_id: None,
            key: "review.outcome".into(),
            value: Json::null(),
            actor: Some("ada".into()),
            scope: None,
        },
        EventKind::StageFailed {
            place: crate::value::Place::default(),
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

/// An event with amounts that are multiples of `tokens`.
fn completed(tokens: u64, output: Option<Json>, output_stages: &[&str]) -> EventKind {
    let cost = Cost::from_picodollars(i64::try_from(tokens).unwrap() * 1_000);
    let output_stages = output_stages.iter().map(|&stage| stage.to_owned()).collect();
    EventKind::WorkflowCompleted { duration_ms: 5, cost, tokens, output, output_stages }
}

/// Most runs make no model calls: their events do not grow.
#[test]
fn amounts_of_zero_are_not_stored() {
    assert_eq!(completed(0, None, &[]).payload().unwrap(), r#"{"duration_ms":5}"#);
}
