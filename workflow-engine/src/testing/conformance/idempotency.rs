//! Cases about idempotency keys: a key is stored in the commit of its command (G1). In two commits, a crash between
//! them would create two runs (trap 9).

use super::fixture::{Fixture, decision, entry, new_run};
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, Precondition};
use crate::value::RunId;

cases![
    a_repeated_key_returns_the_first_result,
    another_key_is_another_command,
    keys_of_different_commands_are_separate,
    the_key_is_checked_before_the_precondition,
    a_failed_precondition_leaves_its_key_free,
    an_impossible_decision_leaves_its_key_free,
    one_of_many_with_the_same_key_is_applied,
    a_key_protects_a_locked_commit_too,
    keys_are_compared_byte_for_byte,
];

fn create(entry: IdempotencyEntry) -> Decision {
    let changes = vec![Change::CreateRun(new_run())];
    Decision {
        run_id: RunId::generate(),
        command: entry.command,
        precondition: Precondition::Absent,
        idempotency: Some(entry),
        changes,
    }
}

fn duplicate(entry: &IdempotencyEntry) -> Commit {
    Commit::Duplicate { request_hash: entry.request_hash.clone(), result: entry.result.clone() }
}

async fn a_repeated_key_returns_the_first_result(fixture: Fixture) {
    let first = entry("run.create", "key", 1);
    fixture.apply(create(first.clone())).await;
    let again = create(IdempotencyEntry { request_hash: "other".into(), ..entry("run.create", "key", 2) });
    let run_id = again.run_id;
    assert_eq!(fixture.commit(again).await, duplicate(&first));
    assert_eq!(fixture.store.run(run_id).await.unwrap(), None, "G1: a key makes one run");
}

async fn another_key_is_another_command(fixture: Fixture) {
    fixture.apply(create(entry("run.create", "one", 1))).await;
    fixture.apply(create(entry("run.create", "two", 2))).await;
    // A key with another key as its prefix is a different key (trap 17).
    fixture.apply(create(entry("run.create", "one0", 3))).await;
}

async fn keys_of_different_commands_are_separate(fixture: Fixture) {
    let first = entry("run.create", "key", 1);
    fixture.apply(create(first.clone())).await;
    fixture.apply(create(entry("run.rerunFrom", "key", 2))).await;
    assert_eq!(fixture.commit(create(entry("run.create", "key", 3))).await, duplicate(&first));
}

async fn the_key_is_checked_before_the_precondition(fixture: Fixture) {
    let first = create(entry("run.create", "key", 1));
    fixture.apply(first.clone()).await;
    // The precondition would fail as well, because the run exists.
    assert_eq!(fixture.commit(first).await, duplicate(&entry("run.create", "key", 1)));
}

async fn a_failed_precondition_leaves_its_key_free(fixture: Fixture) {
    let run_id = fixture.create().await;
    let not_applied = Decision { run_id, ..create(entry("run.create", "key", 1)) };
    assert_eq!(fixture.commit(not_applied).await, Commit::PreconditionFailed);
    fixture.apply(create(entry("run.create", "key", 2))).await;
}

async fn an_impossible_decision_leaves_its_key_free(fixture: Fixture) {
    let mut impossible = create(entry("run.create", "key", 1));
    impossible.changes.push(Change::Cancel { stage_key: "unknown".into() });
    fixture.store.commit(impossible).await.unwrap_err();
    fixture.apply(create(entry("run.create", "key", 2))).await;
}

async fn one_of_many_with_the_same_key_is_applied(fixture: Fixture) {
    let commits = (0..16).map(|number| {
        let fixture = fixture.clone();
        tokio::spawn(async move { fixture.commit(create(entry("run.create", "key", number))).await })
    });
    let commits = futures_util::future::join_all(commits.collect::<Vec<_>>()).await;
    let applied = commits.iter().filter(|commit| matches!(commit, Ok(Commit::Applied(_)))).count();
    assert_eq!(applied, 1, "G1: a key makes one run");
    let results: std::collections::BTreeSet<_> = commits
        .into_iter()
        .filter_map(|commit| match commit.unwrap() {
            Commit::Duplicate { result, .. } => Some(result.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(results.len(), 1, "all others receive the result of the one that was applied");
}

async fn a_key_protects_a_locked_commit_too(fixture: Fixture) {
    let locked = |number| {
        let decided = create(entry("run.create", "key", number));
        (decided.run_id, Box::new(move |_: Option<&_>| Some(decided)))
    };
    let (run_id, decide) = locked(1);
    let first = fixture.store.commit_locked(run_id, decide).await.unwrap();
    assert!(matches!(first, Commit::Applied(_)));
    let (run_id, decide) = locked(2);
    let second = fixture.store.commit_locked(run_id, decide).await.unwrap();
    assert_eq!(second, duplicate(&entry("run.create", "key", 1)));
    assert_eq!(fixture.store.run(run_id).await.unwrap(), None);
    let precondition = Precondition::Revision(crate::ports::Revision { version: 1, last_sequence: 1 });
    assert_eq!(fixture.commit(decision(run_id, precondition, vec![])).await, Commit::PreconditionFailed);
}

async fn keys_are_compared_byte_for_byte(fixture: Fixture) {
    for (number, key) in
        ["key", "KEY", "key ", "key\0", "key\0a", "ke\u{301}y", "\"key\"", "key\\"].iter().enumerate()
    {
        fixture.apply(create(entry("run.create", key, u32::try_from(number).unwrap()))).await;
        let again = fixture.commit(create(entry("run.create", key, 99))).await;
        assert!(matches!(again, Commit::Duplicate { .. }), "{key:?}");
    }
}
