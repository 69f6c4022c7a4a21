//! Cases about lists of runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fixture::{Fixture, cancel_run, complete, decision, entry, fail_run, held, new_run, release};
use crate::ports::{Change, Decision, NewRun, Precondition, Purge, RunFilter, RunPage, RunQuery};
use crate::records::Status;
use crate::value::RunId;

cases![
    runs_are_listed_newest_first,
    runs_are_listed_by_every_condition,
    runs_are_listed_by_tags,
    tags_with_any_characters_are_found,
    paging_misses_and_repeats_no_run_while_others_come_end_and_are_purged,
    a_search_stops_when_its_time_has_passed_and_continues_there,
    runs_are_counted_up_to_a_cap,
    tags_are_read_and_are_deleted_with_their_run,
    a_list_ends_with_the_smallest_id_that_is_asked_for,
    a_run_is_found_by_its_idempotency_key,
    the_ended_stages_of_runs_are_counted,
];

/// More time than any case needs.
const LONG: Duration = Duration::from_secs(60);

impl Fixture {
    async fn page(&self, filter: &RunFilter, after: Option<RunId>, limit: usize) -> RunPage {
        let query = RunQuery { filter: filter.clone(), after, from: None, limit, time: LONG };
        self.store.list_runs(&query).await.unwrap()
    }

    /// Lists all runs that match, in pages of two.
    async fn list(&self, filter: &RunFilter) -> Vec<RunId> {
        let (mut runs, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(filter, after, 2).await;
            assert!(page.runs.len() <= 2, "{page:?}");
            assert_eq!(page.searched_to, None);
            runs.extend(page.runs.iter().map(|run| run.id));
            let Some(next) = page.next else { return runs };
            after = Some(next);
        }
    }

    async fn create_tagged(&self, tags: &[(&str, &str)]) -> RunId {
        let run_id = RunId::generate();
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let changes = vec![Change::CreateRun(new_run()), Change::Tag { tags }];
        self.apply(decision(run_id, Precondition::Absent, changes)).await;
        run_id
    }

    async fn end(&self, run_id: RunId, end: Change) {
        let precondition = Precondition::Revision(self.revision(run_id).await);
        self.apply(decision(run_id, precondition, vec![end])).await;
    }

    async fn purge_all(&self) -> Vec<RunId> {
        let purge = Purge {
            older_than: Duration::ZERO,
            include_undelivered: true,
            external_blobs: false,
            limit: 100,
            only: None,
        };
        self.store.purge_runs(&purge).await.unwrap()
    }
}

async fn a_list_ends_with_the_smallest_id_that_is_asked_for(fixture: Fixture) {
    let mut created = Vec::new();
    for number in 0..7 {
        created.insert(0, fixture.create().await);
        if number % 3 == 0 {
            fixture.end(created[0], cancel_run()).await;
        }
    }
    for filter in [RunFilter::new(), RunFilter::new().status(Status::Cancelled), RunFilter::new().unfinished()] {
        let all = fixture.list(&filter).await;
        for (index, from) in created.iter().enumerate() {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let query =
                    RunQuery { filter: filter.clone(), after, from: Some(*from), limit: 2, time: LONG };
                let page = fixture.store.list_runs(&query).await.unwrap();
                found.extend(page.runs.iter().map(|run| run.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = all.iter().filter(|run_id| *run_id >= from).copied().collect();
            assert_eq!(found, expected, "{filter:?} from {index}");
        }
    }
}

async fn a_run_is_found_by_its_idempotency_key(fixture: Fixture) {
    for (command, key) in [("run.create", "größe\u{0}'"), ("run.cancel", "other")] {
        let run_id = RunId::generate();
        let changes = vec![Change::CreateRun(new_run())];
        let new = decision(run_id, Precondition::Absent, changes);
        let idempotency = Some(entry(command, key, 1));
        fixture.apply(Decision { idempotency, ..new }).await;
        let expected = (command == "run.create").then_some(run_id);
        assert_eq!(fixture.store.run_of_key(key).await.unwrap(), expected);
    }
    assert_eq!(fixture.store.run_of_key("none").await.unwrap(), None);
}

async fn runs_are_listed_newest_first(fixture: Fixture) {
    let mut created = Vec::new();
    for _ in 0..5 {
        created.insert(0, fixture.create().await);
    }
    let all = RunFilter::new();
    assert_eq!(fixture.list(&all).await, created);
    let page = fixture.page(&all, None, 5).await;
    assert_eq!(page.runs.len(), 5);
    assert_eq!(page.runs[0], fixture.run(created[0]).await);
    assert_eq!(page.next, None, "no run follows");
    assert_eq!(fixture.page(&all, Some(created[1]), 2).await.runs[0].id, created[2]);
    assert_eq!(fixture.page(&all, Some(created[4]), 2).await, RunPage::default());
}

async fn runs_are_listed_by_every_condition(fixture: Fixture) {
    let pending = fixture.create().await;
    let failed = fixture.create().await;
    fixture.end(failed, fail_run()).await;
    let cancelled = fixture.create().await;
    fixture.end(cancelled, cancel_run()).await;
    let (completed, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    let noon = fixture.run(completed).await.created_at + chrono::TimeDelta::seconds(1);
    fixture.clock.advance(Duration::from_secs(1));
    let running = fixture.single().await;
    let other = NewRun { workflow_id: "workflow-2".into(), ..new_run() };
    let other = fixture.create_as(NewRun { definition_fingerprint: "definition-2".into(), ..other }).await;

    let new = RunFilter::new;
    for (filter, expected) in [
        (new().status(Status::Pending), vec![other, pending]),
        (new().status(Status::Running), vec![running]),
        (new().unfinished(), vec![other, running, pending]),
        (new().unfinished().workflow_id("workflow"), vec![running, pending]),
        (new().status(Status::Failed), vec![failed]),
        (new().status(Status::Cancelled), vec![cancelled]),
        (new().statuses([Status::Cancelled, Status::Failed]), vec![cancelled, failed]),
        (new().status(Status::Completed), vec![completed]),
        (new().statuses([Status::Completed, Status::Failed, Status::Pending]), vec![
            other, completed, failed, pending,
        ]),
        (new().status(Status::Suspended), vec![]),
        (new().workflow_id("workflow-2"), vec![other]),
        // A prefix of a workflow id is another id (trap 17).
        (new().workflow_id("workflow-"), vec![]),
        (new().definition("definition-2"), vec![other]),
        (new().error_code("STAGE_FAILED"), vec![failed]),
        (new().error_code("STAGE_FAILED").status(Status::Cancelled), vec![]),
        (new().error_code("WORKER_LOST"), vec![]),
        (new().created_since(noon), vec![other, running]),
        (new().created_before(noon), vec![completed, cancelled, failed, pending]),
        (new().created_since(noon).created_before(noon), vec![]),
        (new().created_before(noon).status(Status::Failed), vec![failed]),
    ] {
        assert_eq!(fixture.list(&filter).await, expected, "{filter:?}");
        let count = fixture.store.count_runs(&filter, 100, LONG).await.unwrap();
        assert_eq!((count.count, count.is_exact), (expected.len() as u64, true), "{filter:?}");
    }
}

async fn runs_are_listed_by_tags(fixture: Fixture) {
    let acme = fixture.create_tagged(&[("customer", "acme")]).await;
    let both = fixture.create_tagged(&[("customer", "acme"), ("region", "eu")]).await;
    let bell = fixture.create_tagged(&[("customer", "bell"), ("region", "eu")]).await;
    fixture.create().await;
    let new = RunFilter::new;
    for (filter, expected) in [
        (new().tag("customer", "acme"), vec![both, acme]),
        (new().tag("region", "eu"), vec![bell, both]),
        (new().tag("customer", "acme").tag("region", "eu"), vec![both]),
        (new().tag("customer", "bell").tag("region", "us"), vec![]),
        (new().tag("customer", "eu"), vec![]),
        (new().tag("customer", "acm"), vec![]),
        (new().tag("customer", "acme").status(Status::Running), vec![]),
        (new().tag("customer", "acme").status(Status::Pending), vec![both, acme]),
    ] {
        assert_eq!(fixture.list(&filter).await, expected, "{filter:?}");
    }
}

async fn tags_with_any_characters_are_found(fixture: Fixture) {
    for text in ["%", "_", "größe", "a'b\"c\\", "\u{0}\u{1a}0", "", "'; --", "🦀"] {
        let tagged = fixture.create_tagged(&[("text", text), (text, "key")]).await;
        assert_eq!(fixture.list(&RunFilter::new().tag("text", text)).await, [tagged], "{text:?}");
        let both = RunFilter::new().tag("text", text).tag(text, "key");
        assert_eq!(fixture.list(&both).await, [tagged], "{text:?}");
    }
}

/// Each run that exists throughout, and matches throughout, is listed once.
async fn paging_misses_and_repeats_no_run_while_others_come_end_and_are_purged(fixture: Fixture) {
    for filter in [RunFilter::new(), RunFilter::new().unfinished(), RunFilter::new().tag("kept", "yes")] {
        let (mut kept, mut others) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            kept.push(fixture.create_tagged(&[("kept", "yes")]).await);
            others.push(fixture.create_tagged(&[("kept", "yes")]).await);
        }
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = fixture.page(&filter, after, 3).await;
            listed.extend(page.runs.iter().map(|run| run.id));
            let Some(next) = page.next else { break };
            after = Some(next);
            fixture.create_tagged(&[("kept", "yes")]).await;
            // The newest and the oldest of the others end, and are deleted.
            for other in [others.pop(), (!others.is_empty()).then(|| others.remove(0))].into_iter().flatten() {
                fixture.end(other, cancel_run()).await;
                assert_eq!(fixture.purge_all().await, [other]);
            }
        }
        let times = listed.iter().fold(BTreeMap::<RunId, u32>::new(), |mut times, run_id| {
            *times.entry(*run_id).or_default() += 1;
            times
        });
        assert!(times.values().all(|times| *times == 1), "{filter:?}: {listed:?}");
        assert!(kept.iter().all(|run_id| times.contains_key(run_id)), "{filter:?}: {listed:?} of {kept:?}");
        assert!(listed.is_sorted_by(|newer, older| newer > older));
    }
}

async fn a_search_stops_when_its_time_has_passed_and_continues_there(fixture: Fixture) {
    let rare = NewRun { workflow_id: "rare".into(), ..new_run() };
    let oldest = fixture.create_as(rare).await;
    let mut created = Vec::new();
    for _ in 0..6 {
        fixture.clock.advance(Duration::from_secs(1));
        let of_a_second = (0..100).map(|_| fixture.create());
        created.extend(futures_util::future::join_all(of_a_second).await);
    }
    let mut query = RunQuery {
        filter: RunFilter::new().workflow_id("rare"),
        after: None,
        from: None,
        limit: 10,
        time: Duration::ZERO,
    };
    let mut stops = Vec::new();
    let found = loop {
        let page = fixture.store.list_runs(&query).await.unwrap();
        if let Some(searched_to) = page.searched_to {
            assert_eq!(page.runs, []);
            stops.push((searched_to, page.next.expect("the search continues")));
        } else {
            break page.runs;
        }
        query.after = page.next;
    };
    assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [oldest]);
    assert!(!stops.is_empty(), "one slice does not hold all runs");
    assert!(stops.is_sorted_by(|earlier, later| earlier > later), "{stops:?}");
    for (searched_to, last) in stops {
        assert_eq!(fixture.run(last).await.created_at, searched_to);
    }
    let count = fixture.store.count_runs(&query.filter, 10, Duration::ZERO).await.unwrap();
    assert!(!count.is_exact, "{count}");
}

async fn runs_are_counted_up_to_a_cap(fixture: Fixture) {
    for _ in 0..5 {
        fixture.create().await;
    }
    for (cap, expected) in [(3, "3+"), (4, "4+"), (5, "5"), (100, "5")] {
        let count = fixture.store.count_runs(&RunFilter::new(), cap, LONG).await.unwrap();
        assert_eq!(count.to_string(), expected, "{cap}");
    }
}

async fn tags_are_read_and_are_deleted_with_their_run(fixture: Fixture) {
    let tagged = fixture.create_tagged(&[("customer", "acme"), ("region", "eu")]).await;
    let plain = fixture.create().await;
    let tags = fixture.store.tags(tagged).await.unwrap();
    let expected = [("customer", "acme"), ("region", "eu")].map(|(key, value)| (key.into(), value.into()));
    assert_eq!(tags, BTreeMap::from(expected));
    assert_eq!(fixture.store.tags(plain).await.unwrap(), BTreeMap::new());
    fixture.end(tagged, cancel_run()).await;
    assert_eq!(fixture.purge_all().await, [tagged]);
    assert_eq!(fixture.store.tags(tagged).await.unwrap(), BTreeMap::new());
    assert_eq!(fixture.list(&RunFilter::new().tag("customer", "acme")).await, []);
}

async fn the_ended_stages_of_runs_are_counted(fixture: Fixture) {
    // Of the stages of this run one has completed, one is skipped, and two are cancelled.
    let cancelled = fixture.create().await;
    fixture.start(cancelled, &[("a", 0), ("b", 1), ("c", 1), ("d", 1)], 1).await;
    let job = fixture.claim("worker").await;
    let choose = Change::Choose { stage_key: "a".into(), arm: 0 };
    let skip = Change::Skip { stage_key: "c".into(), because: "a".into() };
    fixture.apply(held(&job, vec![choose, complete("a"), skip, release("b")])).await;
    let precondition = Precondition::Revision(fixture.revision(cancelled).await);
    let cancel = ["b", "d"].map(|stage| Change::Cancel { stage_key: stage.into() });
    let changes = cancel.into_iter().chain([cancel_run()]).collect();
    fixture.apply(decision(cancelled, precondition, changes)).await;

    let (pending, begun) = (fixture.create().await, fixture.diamond().await);
    let job = fixture.claim("worker").await;
    fixture.complete(&job, &["b", "c"]).await;
    let (completed, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    let ids = || vec![completed, pending, RunId::generate(), cancelled, begun];
    let ended = [Status::Completed, Status::Skipped, Status::Cancelled];
    for (statuses, expected) in [
        (&ended[..], [0, 1, 1, 4]),
        (&ended[..1], [0, 1, 1, 1]),
        (&ended[1..2], [0, 0, 0, 1]),
        (&ended[2..], [0, 0, 0, 2]),
    ] {
        let counts = fixture.store.count_stages(ids(), statuses).await.unwrap();
        let counts = [pending, begun, completed, cancelled].map(|id| counts.get(&id).copied().unwrap_or_default());
        assert_eq!(counts, expected, "{statuses:?}");
    }
}
