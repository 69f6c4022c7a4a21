//! Cases about the definitions that the store keeps.

use std::time::Duration;

use super::fixture::{DEFINITION, Fixture, new_run};
use crate::ports::{NewDefinition, NewRun};
use crate::records::{DefinitionRecord, RunRecord, Status, UnfinishedRuns};
use crate::value::Json;

cases![
    a_definition_is_stored_once,
    definitions_are_in_the_order_of_workflow_and_version,
    unfinished_runs_are_counted_by_definition,
    the_oldest_unfinished_runs_are_counted_first,
];

fn new(workflow_id: &str, version: u32, fingerprint: &str) -> NewDefinition {
    NewDefinition {
        fingerprint: fingerprint.into(),
        workflow_id: workflow_id.into(),
        version,
        description: Json::trusted(format!("{{\"version\":{version}}}")),
    }
}

async fn stored(fixture: &Fixture) -> Vec<DefinitionRecord> {
    fixture.store.definitions().await.unwrap()
}

async fn a_definition_is_stored_once(fixture: Fixture) {
    fixture.store.register_definitions(&[new("orders", 1, "first")]).await.unwrap();
    let first = stored(&fixture).await;
    assert_eq!(first[0].description.as_str(), "{\"version\":1}");
    fixture.clock.advance(Duration::from_secs(60));
    // The second one has another description, as from a later version of the engine.
    let again = NewDefinition { description: Json::trusted("{}"), ..new("orders", 1, "first") };
    fixture.store.register_definitions(&[again, new("orders", 2, "second")]).await.unwrap();
    let both = stored(&fixture).await;
    assert_eq!(both[0], first[0], "it is as it was stored first");
    assert_eq!(both[1].first_seen_at - first[0].first_seen_at, chrono::TimeDelta::seconds(60));
    assert_eq!(both.len(), 2);
}

async fn definitions_are_in_the_order_of_workflow_and_version(fixture: Fixture) {
    let definitions = [new("b", 2, "y"), new("b", 10, "x"), new("a", 3, "z"), new("b", 2, "w")];
    fixture.store.register_definitions(&definitions).await.unwrap();
    let order: Vec<String> = stored(&fixture).await.into_iter().map(|record| record.fingerprint).collect();
    assert_eq!(order, ["z", "w", "y", "x"]);
}

fn counted(fingerprint: &str, pending: u64, running: u64, oldest: &RunRecord) -> UnfinishedRuns {
    UnfinishedRuns { fingerprint: fingerprint.into(), pending, running, oldest: oldest.created_at }
}

async fn unfinished_runs_are_counted_by_definition(fixture: Fixture) {
    let first = fixture.create().await;
    fixture.clock.advance(Duration::from_millis(1));
    let (completed, job) = fixture.running().await;
    fixture.single().await;
    let other = NewRun { definition_fingerprint: "definition-2".into(), ..new_run() };
    let other = fixture.create_as(other).await;
    fixture.create_as(NewRun { workflow_id: "workflow-2".into(), ..new_run() }).await;
    let unfinished = |cap| fixture.store.unfinished_by_definition("workflow", cap);
    let (first, other) = (fixture.run(first).await, fixture.run(other).await);
    let before = [counted(DEFINITION, 1, 2, &first), counted("definition-2", 1, 0, &other)];
    assert_eq!(unfinished(100).await.unwrap(), before);

    fixture.complete_run(&job).await;
    assert_eq!(fixture.run(completed).await.status, Status::Completed);
    let after = [counted(DEFINITION, 1, 1, &first), counted("definition-2", 1, 0, &other)];
    assert_eq!(unfinished(100).await.unwrap(), after);
    assert!(fixture.store.unfinished_by_definition("workflow-", 100).await.unwrap().is_empty());
}

async fn the_oldest_unfinished_runs_are_counted_first(fixture: Fixture) {
    let oldest = fixture.create().await;
    for _ in 0..4 {
        fixture.clock.advance(Duration::from_millis(1));
        fixture.create_as(NewRun { definition_fingerprint: "definition-2".into(), ..new_run() }).await;
    }
    let counts = fixture.store.unfinished_by_definition("workflow", 3).await.unwrap();
    assert_eq!(counts.iter().map(|runs| runs.pending).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(counts[0].oldest, fixture.run(oldest).await.created_at);
}
