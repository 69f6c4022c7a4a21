//! Cases about places: what a run keeps about a stage, it keeps for each place of the stage.

use std::time::Duration;

use super::fixture::{
    Fixture, LEASE, claim, complete, decision, enqueue, held, inline, json, new_stages, release_run,
};
use crate::ports::{
    Change, Clock, Commit, Precondition, RerunStage, SignalWaitQuery,
};
use crate::records::{JobRecord, StageRecord};
use crate::records::{
    ArtifactRecord, BlobKey, ClaimedJob, EventKind, Lease, LogLevel, Status, StoredValue,
};
use crate::value::{Place, RunId, StageKey};

cases![
    the_places_of_a_stage_are_separate_and_in_order,
    each_place_has_its_own_job,
    places_are_claimed_in_order,
    a_lease_of_one_place_does_not_fence_another,
    only_the_renewed_places_keep_their_leases,
    each_place_has_its_own_output,
    a_rerun_of_one_place_leaves_the_others,
    each_place_waits_for_itself,
    each_place_has_its_own_signals,
    waits_of_places_are_listed_in_pages,
    events_name_their_places,
];

/// The places of the stage `b`, in order.
pub(super) const PLACES: [&str; 3] = ["b[2]", "b[10]", "b[10][0]"];

/// Starts a run of `a` and three places of `b`, which are all queued.
async fn queued(fixture: &Fixture) -> RunId {
    let run_id = fixture.create().await;
    let mut stages = new_stages(&[("a", 1), (PLACES[2], 0), (PLACES[0], 0), (PLACES[1], 0)]);
    for stage in &mut stages[1..] {
        (stage.stage_name, stage.stage_number) = ("Stage b".to_owned(), 2);
    }
    let mut changes = vec![Change::StartRun { stages, waiting_on: 1 }];
    changes.extend(PLACES.map(enqueue));
    fixture.apply(decision(run_id, Precondition::Revision(fixture.revision(run_id).await), changes)).await;
    run_id
}

/// As [`queued`], and the places run, in this order.
pub(super) async fn running(fixture: &Fixture) -> (RunId, [ClaimedJob; 3]) {
    let run_id = queued(fixture).await;
    let jobs = fixture.claim_up_to("worker", 3).await;
    (run_id, jobs.try_into().expect("three jobs are due"))
}

/// Returns the key of one of the places.
pub(super) fn key(index: usize) -> StageKey {
    PLACES[index].into()
}

/// Makes a change that writes a log line of one of the places.
pub(super) fn log(index: usize, message: &str) -> Change {
    let (stage_key, message) = (Some(key(index)), message.to_owned());
    Change::Log { stage_key, level: LogLevel::Info, message, fields: json(&()) }
}

fn suspend(index: usize, give_up_after: Duration) -> Change {
    Change::Suspend {
        stage_key: key(index),
        ticket: inline(PLACES[index]),
        check_after: give_up_after,
        give_up_after,
        awaits_signal: true,
    }
}

async fn statuses(fixture: &Fixture, run_id: RunId) -> Vec<Status> {
    fixture.store.stages(run_id).await.unwrap().into_iter().map(|stage| stage.status).collect()
}

async fn the_places_of_a_stage_are_separate_and_in_order(fixture: Fixture) {
    let run_id = queued(&fixture).await;
    let keys: Vec<StageKey> =
        fixture.store.stages(run_id).await.unwrap().iter().map(StageRecord::key).collect();
    assert_eq!(keys, ["a", PLACES[0], PLACES[1], PLACES[2]]);
    let snapshot = fixture.snapshot(run_id).await;
    assert_eq!(snapshot.stages.iter().map(StageRecord::key).collect::<Vec<_>>(), keys);
    let stage = fixture.store.stage(run_id, &key(2)).await.unwrap().expect("it exists");
    assert_eq!((stage.stage_id.as_str(), stage.place), ("b", Place::from([10, 0])));
    for missing in ["b", "b[0]", "b[2][0]", "a[2]"] {
        assert_eq!(fixture.store.stage(run_id, &missing.into()).await.unwrap(), None, "{missing}");
    }
}

async fn each_place_has_its_own_job(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    assert_eq!(jobs.each_ref().map(|job| job.lease.stage_key.to_string()), PLACES);
    fixture.apply(held(&jobs[1], vec![complete(key(1))])).await;
    let open: Vec<StageKey> = fixture.snapshot(run_id).await.jobs.iter().map(JobRecord::key).collect();
    assert_eq!(open, [PLACES[0], PLACES[2]]);
    let expected = [Status::Pending, Status::Running, Status::Completed, Status::Running];
    assert_eq!(statuses(&fixture, run_id).await, expected);
    assert_eq!(fixture.run(run_id).await.active, 2);

    let retry = Change::Retry { stage_key: key(0), error: "no".into(), delay: Duration::ZERO };
    fixture.apply(held(&jobs[0], vec![retry])).await;
    assert_eq!(fixture.stage(run_id, key(0)).await.error_message.as_deref(), Some("no"));
    assert_eq!(fixture.stage(run_id, key(2)).await.error_message, None);
    let again = fixture.claim("worker").await;
    assert_eq!(again.lease.stage_key, PLACES[0]);
    assert_eq!(again.attempt, 2);
    assert_eq!(fixture.job(run_id, key(2)).await.unwrap().attempt, 1);
}

async fn places_are_claimed_in_order(fixture: Fixture) {
    let run_id = queued(&fixture).await;
    for (index, place) in PLACES.into_iter().enumerate() {
        let precondition = Precondition::Claimable { stage_key: place.into(), generation: 1 };
        let none = decision(run_id, precondition, vec![log(index, "claimable")]);
        assert!(matches!(fixture.commit(none).await, Commit::Applied(_)), "{place} is claimable");
    }
    let first = fixture.claim("worker").await;
    assert_eq!(first.lease.stage_key, PLACES[0]);
    let again = Precondition::Claimable { stage_key: key(0), generation: 1 };
    assert_eq!(fixture.commit(decision(run_id, again, vec![])).await, Commit::PreconditionFailed);
    let stage_keys = [PLACES[2], PLACES[0], "b"].map(StageKey::from).to_vec();
    let queued = Change::ClaimQueued { stage_keys, claim: claim("worker"), room: 9 };
    let claimed = fixture.apply(held(&first, vec![complete(key(0)), queued])).await.claimed;
    assert_eq!(claimed.iter().map(|job| &job.lease.stage_key).collect::<Vec<_>>(), [PLACES[2]]);
    assert_eq!(fixture.claim("other").await.lease.stage_key, PLACES[1]);
}

/// Holds fencing (G4) for places.
async fn a_lease_of_one_place_does_not_fence_another(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let back = Change::ReturnJob { stage_key: key(0), reason: "the worker stops".into() };
    fixture.apply(held(&jobs[0], vec![back])).await;
    let again = fixture.claim("other").await;
    assert_eq!(again.lease.epoch, 2);
    let late = fixture.commit(held(&jobs[0], vec![complete(key(0))])).await;
    assert_eq!(late, Commit::PreconditionFailed, "G4: the place was claimed again");
    for (index, job) in jobs.iter().enumerate().skip(1) {
        fixture.apply(held(job, vec![log(index, "still here")])).await;
    }
    // The epoch of one place is not that of another.
    let lease = Lease { stage_key: key(1), ..again.lease.clone() };
    let foreign = decision(run_id, Precondition::Lease(lease.clone()), vec![complete(key(1))]);
    assert_eq!(fixture.commit(foreign).await, Commit::PreconditionFailed);
    let leases = vec![again.lease.clone(), lease.clone(), jobs[2].lease.clone()];
    assert_eq!(fixture.store.lost_leases(leases).await.unwrap(), [lease]);
}

async fn only_the_renewed_places_keep_their_leases(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    fixture.clock.advance(LEASE / 2);
    let lost = fixture.store.renew_leases(vec![jobs[1].lease.clone()], LEASE).await.unwrap();
    assert!(lost.is_empty());
    fixture.clock.advance(LEASE / 2);
    let stale: Vec<StageKey> =
        fixture.store.stale_jobs(&[], 9).await.unwrap().iter().map(JobRecord::key).collect();
    assert_eq!(stale, [PLACES[0], PLACES[2]]);
    let crash = Change::RecordCrash { stage_key: key(2), error: "lost".into() };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(jobs[2].lease.clone()), vec![crash])).await;
    let early = Precondition::ExpiredLease(jobs[1].lease.clone());
    assert_eq!(fixture.commit(decision(run_id, early, vec![])).await, Commit::PreconditionFailed);
    assert_eq!(fixture.job(run_id, key(2)).await.unwrap().crashes, 1);
    assert_eq!(fixture.job(run_id, key(0)).await.unwrap().crashes, 0);
}

async fn each_place_has_its_own_output(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    for index in [0, 2] {
        fixture.apply(held(&jobs[index], vec![complete(key(index))])).await;
    }
    let asked = [PLACES[0], PLACES[1], PLACES[2], "b", "a"].map(StageKey::from);
    let outputs = fixture.store.outputs(run_id, &asked).await.unwrap();
    assert_eq!(outputs.len(), 2);
    assert_eq!((&outputs[&key(0)], &outputs[&key(2)]), (&inline(PLACES[0]), &inline(PLACES[2])));
    assert_eq!(fixture.stage(run_id, key(2)).await.output, Some(inline(PLACES[2])));
}

async fn a_rerun_of_one_place_leaves_the_others(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let blobs = PLACES.map(|place| BlobKey(format!("{run_id}/{place}/1/1")));
    for (index, job) in jobs.iter().enumerate() {
        let (stage_key, output) = (key(index), StoredValue::Blob(blobs[index].clone()));
        let artifact = Change::PutArtifact { stage_key: key(index), key: "k".into(), value: inline("v") };
        let put = Change::PutBlob { key: blobs[index].clone(), value: json(PLACES[index]) };
        let complete = Change::Complete { stage_key, output, elapsed: Duration::ZERO };
        fixture.apply(held(job, vec![artifact, put, complete])).await;
    }
    fixture.apply(decision(run_id, Precondition::Present, vec![release_run()])).await;
    let stages = vec![RerunStage { stage_key: key(1), waiting_on: 0 }];
    let rerun = vec![Change::Rerun { stages, waiting_on: 1 }, enqueue(key(1))];
    fixture.apply(decision(run_id, Precondition::Present, rerun)).await;

    let expected = [Status::Pending, Status::Completed, Status::Pending, Status::Completed];
    assert_eq!(statuses(&fixture, run_id).await, expected);
    let of_blob = |index: usize| fixture.store.blob(&blobs[index]);
    assert_eq!(of_blob(1).await.unwrap(), None);
    assert_eq!((of_blob(0).await.unwrap(), of_blob(2).await.unwrap()), (Some(json(PLACES[0])), Some(json(PLACES[2]))));
    let artifacts = fixture.store.artifacts(run_id, None).await.unwrap();
    assert_eq!(artifacts.iter().map(ArtifactRecord::stage_key).collect::<Vec<_>>(), [PLACES[0], PLACES[2]]);
    let again = fixture.claim("worker").await;
    assert_eq!(again.lease.stage_key, PLACES[1]);
    assert_eq!(again.lease.generation, 2);
}

async fn each_place_waits_for_itself(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let week = Duration::from_secs(7 * 86_400);
    for index in [0, 1] {
        fixture.apply(held(&jobs[index], vec![suspend(index, week)])).await;
    }
    let expected = [Status::Pending, Status::Suspended, Status::Suspended, Status::Running];
    assert_eq!(statuses(&fixture, run_id).await, expected);
    let wake = Change::Wake { stage_key: key(1) };
    fixture.apply(decision(run_id, Precondition::Present, vec![wake])).await;
    let due = fixture.store.due_checks(&super::fixture::definitions(), 9).await.unwrap();
    assert_eq!(due.iter().map(JobRecord::key).collect::<Vec<_>>(), [PLACES[1]]);
    let check = fixture.claim("worker").await;
    assert!(check.is_poll);
    assert_eq!(check.lease.stage_key, PLACES[1]);
    fixture.apply(held(&check, vec![Change::Postpone { stage_key: key(1), check_after: week }])).await;
    assert_eq!(fixture.stage(run_id, key(0)).await.suspended_state, Some(inline(PLACES[0])));
    assert_eq!(fixture.stage(run_id, key(1)).await.suspended_state, Some(inline(PLACES[1])));
}

async fn each_place_has_its_own_signals(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let signal = |index: usize| Change::Signal {
        stage_key: key(index),
        stage_name: "Stage b".into(),
        payload: json(PLACES[index]),
        actor: Some(PLACES[index].into()),
    };
    fixture.apply(held(&jobs[0], vec![suspend(0, LEASE * 100)])).await;
    for index in [0, 1, 1] {
        fixture.apply(decision(run_id, Precondition::Present, vec![signal(index)])).await;
    }
    let again = fixture.store.commit(decision(run_id, Precondition::Present, vec![signal(0)])).await;
    assert_eq!(again.unwrap_err().code().as_str(), "SIGNAL_TOO_LATE");
    let numbers = async |asked: Option<&str>| -> Vec<(String, u64)> {
        let asked = asked.map(StageKey::from);
        let found = fixture.store.signals(run_id, asked.as_ref()).await.unwrap();
        found.into_iter().map(|signal| (signal.stage_key().to_string(), signal.number)).collect()
    };
    let all = [("b[2]".to_owned(), 1), ("b[10]".to_owned(), 1), ("b[10]".to_owned(), 2)];
    assert_eq!(numbers(None).await, all);
    assert_eq!(numbers(Some("b")).await, all);
    assert_eq!(numbers(Some("b[10]")).await, all[1..]);
    assert_eq!(numbers(Some("b[10][0]")).await, []);
    let consume = Change::ConsumeSignal { stage_key: key(1), number: 1 };
    fixture.apply(held(&jobs[1], vec![consume])).await;
    let next = async |index: usize| fixture.store.next_signal(run_id, &key(index)).await.unwrap();
    assert_eq!(next(0).await.map(|signal| (signal.number, signal.payload)), Some((1, json("b[2]"))));
    assert_eq!(next(1).await.map(|signal| (signal.number, signal.payload)), Some((2, json("b[10]"))));
    assert_eq!(next(2).await, None);
}

async fn waits_of_places_are_listed_in_pages(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    for (index, job) in jobs.iter().enumerate() {
        fixture.apply(held(job, vec![suspend(index, LEASE * 100)])).await;
    }
    let mut after = None;
    for place in PLACES {
        let stages = vec![(super::fixture::DEFINITION.to_owned(), "b".to_owned())];
        let query = SignalWaitQuery { stages, after: after.clone(), limit: 1 };
        let waits = fixture.store.signal_waits(&query).await.unwrap();
        let [wait] = waits.as_slice() else { panic!("one of them: {waits:?}") };
        assert_eq!(wait.stage_key(), place);
        assert_eq!(wait.question, inline(place));
        assert_eq!(wait.deadline, fixture.clock.now() + LEASE * 100);
        after = Some((wait.deadline, run_id, wait.stage_key()));
    }
    let stages = vec![(super::fixture::DEFINITION.to_owned(), "b".to_owned())];
    assert_eq!(fixture.store.signal_waits(&SignalWaitQuery { stages, after, limit: 1 }).await.unwrap(), []);
}

async fn events_name_their_places(fixture: Fixture) {
    let (run_id, jobs) = running(&fixture).await;
    let changes = vec![Change::Progress { stage_key: key(2), fraction: 0.5, message: "half".into() }];
    fixture.apply(held(&jobs[2], changes)).await;
    for (index, job) in jobs.iter().enumerate() {
        fixture.apply(held(job, vec![suspend(index, LEASE)])).await;
    }
    let events = fixture.events(run_id).await;
    let found: Vec<String> = events[2..]
        .iter()
        .map(|event| format!("{} {}", event.kind.name(), event.kind.stage_key().expect("a stage")))
        .collect();
    let expected = [
        "stage:started b[2]",
        "stage:started b[10]",
        "stage:started b[10][0]",
        "stage:progress b[10][0]",
        "stage:suspended b[2]",
        "stage:suspended b[10]",
        "stage:suspended b[10][0]",
        "workflow:suspended b[10][0]",
    ];
    assert_eq!(found, expected);
    let causes: Vec<&str> = events[5..].iter().map(|event| event.causation_id.as_str()).collect();
    assert_eq!(causes[..2], ["b[10][0]/1/1/1", "b[2]/1/1/1"]);
    let EventKind::StageSuspended { stage_id, place, .. } = &events[6].kind else { panic!("{:?}", events[6]) };
    assert_eq!((stage_id.as_str(), place), ("b", &Place::from([2])));
}
