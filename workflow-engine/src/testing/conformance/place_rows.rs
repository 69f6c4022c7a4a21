//! Cases about the rows beside stages: each place of a stage has its own log, artifacts, annotations and calls of models.

use super::fixture::{call, complete, decision, held, inline, json, reserve, settle};
use super::fixture::Fixture;
use super::places::{PLACES, key, log, running};
use crate::ports::{AnnotationFilter, Change, LogFilter, Precondition};
use crate::records::{Annotation, ArtifactRecord, CallStatus, LogRecord};
use crate::value::{CallId, Cost, StageKey};

cases![
    each_place_has_its_own_log,
    each_place_has_its_own_artifacts_and_metrics,
    each_place_has_its_own_annotations,
    each_place_has_its_own_calls,
    each_place_has_its_own_budget,
];

async fn each_place_has_its_own_log(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    for (index, job) in jobs.iter().enumerate() {
        fixture.apply(held(job, vec![log(index, PLACES[index])])).await;
    }
    let lines = fixture.store.logs(run_id, 0, 9).await.unwrap();
    let keys: Vec<Option<StageKey>> = lines.iter().map(LogRecord::stage_key).collect();
    assert_eq!(keys, PLACES.map(|place| Some(place.into())));
    for (asked, expected) in [("b", &PLACES[..]), (PLACES[1], &PLACES[1..2]), ("b[0]", &[]), ("a", &[])] {
        let filter = LogFilter::new().stage(asked);
        let found = fixture.store.list_logs(run_id, &filter, None, 9).await.unwrap();
        assert_eq!(found.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), expected, "{asked}");
    }
}

async fn each_place_has_its_own_artifacts_and_metrics(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    for (index, job) in jobs.iter().enumerate().rev() {
        let (stage_key, metrics) = (key(index), [("rows".to_owned(), [0.0, 1.0, 2.0][index])].into());
        let changes = vec![
            Change::PutArtifact { stage_key: key(index), key: "k".into(), value: inline(PLACES[index]) },
            Change::PutArtifact { stage_key: key(index), key: "j".into(), value: inline("other") },
            Change::RecordMetrics { stage_key, metrics },
        ];
        fixture.apply(held(job, changes)).await;
    }
    let delete = Change::DeleteArtifact { stage_key: key(1), key: "j".into() };
    fixture.apply(held(&jobs[1], vec![delete])).await;
    let names = |artifacts: Vec<ArtifactRecord>| -> Vec<String> {
        artifacts.into_iter().map(|artifact| format!("{}/{}", artifact.stage_key(), artifact.key)).collect()
    };
    let all = ["b[2]/j", "b[2]/k", "b[10]/k", "b[10][0]/j", "b[10][0]/k"];
    assert_eq!(names(fixture.store.artifacts(run_id, None).await.unwrap()), all);
    assert_eq!(names(fixture.store.artifacts(run_id, Some(&"b".into())).await.unwrap()), all);
    assert_eq!(names(fixture.store.artifacts(run_id, Some(&key(1))).await.unwrap()), ["b[10]/k"]);
    let found = fixture.store.artifact(run_id, &key(2), "k").await.unwrap().expect("it exists");
    assert_eq!(found.value, inline(PLACES[2]));
    assert_eq!(fixture.store.artifact(run_id, &"b".into(), "k").await.unwrap(), None);
    assert_eq!(fixture.stage(run_id, key(1)).await.metrics["rows"].to_bits(), 1_f64.to_bits());
    assert_eq!(fixture.stage(run_id, key(2)).await.metrics["rows"].to_bits(), 2_f64.to_bits());
}

async fn each_place_has_its_own_annotations(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    for (index, job) in jobs.iter().enumerate() {
        let attributes = [(format!("k{index}"), json(&index))].into();
        let annotation = Annotation { attributes, emit_event: true, ..Annotation::default() };
        fixture.apply(held(job, vec![Change::Annotate { stage_key: Some(key(index)), annotation }])).await;
    }
    let keys = async |filter: AnnotationFilter| -> Vec<String> {
        let found = fixture.store.annotations(run_id, &filter).await.unwrap();
        found.into_iter().map(|annotation| format!("{}{}", annotation.key, annotation.place)).collect()
    };
    let all = ["k0[2]", "k1[10]", "k2[10][0]"];
    assert_eq!(keys(AnnotationFilter::new()).await, all);
    assert_eq!(keys(AnnotationFilter::new().stage("b")).await, all);
    assert_eq!(keys(AnnotationFilter::new().stage(PLACES[1])).await, ["k1[10]"]);
    assert!(keys(AnnotationFilter::new().stage("b[0]")).await.is_empty());
}

async fn each_place_has_its_own_calls(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let ids = [0, 1, 2].map(|_| CallId::generate());
    for (index, job) in jobs.iter().enumerate() {
        fixture.apply(held(job, vec![reserve(key(index), ids[index], call("t", 5))])).await;
    }
    // A call is settled by its own place.
    fixture.apply(held(&jobs[1], vec![settle(key(1), ids[2], 3)])).await;
    fixture.apply(held(&jobs[2], vec![settle(key(2), ids[2], 3)])).await;
    fixture.apply(held(&jobs[0], vec![complete(key(0))])).await;
    let calls = fixture.store.calls_of_run(run_id, None, 9).await.unwrap();
    let found: Vec<_> = calls.iter().map(|call| (call.stage_key().expect("a stage"), call.outcome)).collect();
    let outcomes = [CallStatus::Unknown, CallStatus::Reserved, CallStatus::Settled];
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert!(found.contains(&(key(index), outcome)), "{index}: {found:?}");
    }
    let pending = [0, 1, 0];
    let costs = [0, 0, 3].map(Cost::from_picodollars);
    for index in 0..3 {
        let spending = fixture.stage(run_id, key(index)).await.spending;
        assert_eq!((spending.pending_calls, spending.cost), (pending[index], costs[index]), "{index}");
    }
}

async fn each_place_has_its_own_budget(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let limit = |picodollars| Some(Cost::from_picodollars(picodollars));
    let ask = async |index: usize, reserve: i64| {
        let (stage_key, call) = (key(index), Box::new(call("t", reserve)));
        let change = Change::ReserveCall { stage_key, call_id: CallId::generate(), call, budget: limit(5) };
        fixture.store.commit(held(&jobs[index], vec![change])).await.is_ok()
    };
    assert!(ask(0, 5).await);
    assert!(!ask(0, 1).await, "the budget of the place is used");
    assert!(ask(1, 5).await);
    let raise = Change::SetBudget { stage_key: Some(key(1)), budget: Cost::from_picodollars(7) };
    fixture.apply(decision(run_id, Precondition::Present, vec![raise])).await;
    assert!(ask(1, 2).await);
    assert!(!ask(0, 2).await, "the budget of another place was raised");
    let stage_key = key(0);
    let error = "too little".to_owned();
    let wait = Change::AwaitBudget { stage_key, error, reserve: Cost::from_picodollars(2), budget: limit(5) };
    fixture.apply(held(&jobs[0], vec![wait])).await;
    assert_eq!(fixture.stage(run_id, key(0)).await.awaited_cost, limit(2));
    let resume = |index: usize| Change::Resume { stage_key: key(index) };
    let resumed = fixture.apply(decision(run_id, Precondition::Present, vec![resume(1), resume(0)])).await;
    assert_eq!(resumed.ready, [PLACES[0]]);
}
