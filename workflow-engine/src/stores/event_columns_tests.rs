//! Tests of the columns of a commit's events.

use super::*;
use crate::value::Json;

fn commit(events: &[EventKind]) -> StoredCommit<String> {
    let EventColumns { types, payloads } = EventColumns::new(events).unwrap();
    let (run_id, at) = (RunId::generate(), DateTime::UNIX_EPOCH);
    StoredCommit { run_id, sequence: 7, at, causation_id: "run.cancel".into(), types, payloads }
}

fn three() -> [EventKind; 3] {
    let value = Json::parse(r#"{"a":[1,"\u0000",1e400],"b":"]\",["}"#).unwrap();
    let (key, actor, scope) = ("review".into(), Some("ada".into()), None);
    [
        EventKind::WorkflowStarted {},
        EventKind::AnnotationCreated {
            place: crate::value::Place::default(),
            stage_id: None,
            key,
            value,
            actor,
            scope,
        },
        EventKind::WorkflowCancelled { reason: Some("enough".into()) },
    ]
}

#[test]
fn events_are_read_back_with_consecutive_numbers() {
    let events = commit(&three()).events(|_, _| true).unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [7, 8, 9]);
    assert!(events.iter().all(|event| event.causation_id == "run.cancel"));
    assert_eq!(events.into_iter().map(|event| event.kind).collect::<Vec<_>>(), three());
}

#[test]
fn a_part_of_a_commit_is_selected_by_number_and_type() {
    let commit = commit(&three());
    let selected = |is_selected: &dyn Fn(u64, &str) -> bool| {
        let events = commit.events(is_selected).unwrap();
        events.iter().map(|event| event.sequence).collect::<Vec<_>>()
    };
    assert_eq!(selected(&|sequence, _| sequence > 7), [8, 9]);
    assert_eq!(selected(&|_, name| name == "workflow:cancelled"), [9]);
}

#[test]
fn columns_of_different_lengths_are_refused() {
    let mut commit = commit(&three());
    commit.payloads = "[{}]".into();
    let error = commit.events(|_, _| true).unwrap_err();
    assert!(error.to_string().contains("another number of payloads"), "{error}");
}
