//! Cases about events that a subscriber has refused for good (G7).

use super::fixture::{Fixture, LEASE};
use super::outbox::{DELAY, contents, dead_letter, delivered, refused, settle, subscribe, take};
use crate::ports::DeadLetterFilter;

cases![
    a_dead_letter_can_block_its_run,
    a_dead_letter_can_let_its_run_continue,
    dead_letters_are_listed_with_their_details,
    a_replayed_dead_letter_has_all_its_attempts_again,
    one_dead_letter_can_be_chosen_for_a_replay,
];

async fn a_dead_letter_can_block_its_run(fixture: Fixture) {
    subscribe(&fixture).await;
    let (run_id, job) = fixture.running().await;
    let other = fixture.single().await;
    for delivery in take(&fixture, "all").await {
        let outcome = if delivery.lease.run_id == run_id { dead_letter(2, true) } else { delivered(2) };
        settle(&fixture, &delivery, outcome).await;
    }
    fixture.complete_run(&job).await;
    fixture.claim_up_to("worker", 10).await;
    fixture.clock.advance(LEASE * 100);
    let others = take(&fixture, "all").await;
    assert_eq!(contents(&others), [(other, vec![3])]);
    settle(&fixture, &others[0], delivered(3)).await;
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none(), "only a replay makes it due");

    assert_eq!(
        fixture.store.replay_dead_letters(&DeadLetterFilter::new().plugin("ends"), 10).await.unwrap(),
        0
    );
    assert_eq!(
        fixture.store.replay_dead_letters(&DeadLetterFilter::new().plugin("all"), 10).await.unwrap(),
        1
    );
    assert_eq!(contents(&take(&fixture, "all").await), [(run_id, vec![2, 3, 4, 5])]);
}

async fn a_dead_letter_can_let_its_run_continue(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = fixture.single().await;
    let deliveries = take(&fixture, "all").await;
    settle(&fixture, &deliveries[0], dead_letter(1, false)).await;
    let rest = take(&fixture, "all").await;
    assert_eq!((contents(&rest), rest[0].attempts), (vec![(run_id, vec![2])], 0));
    settle(&fixture, &rest[0], dead_letter(2, false)).await;
    fixture.claim_up_to("worker", 1).await;
    let later = take(&fixture, "all").await;
    assert_eq!(contents(&later), [(run_id, vec![3])]);
    settle(&fixture, &later[0], delivered(3)).await;

    assert_eq!(fixture.store.replay_dead_letters(&DeadLetterFilter::new(), 10).await.unwrap(), 2);
    let replayed = take(&fixture, "all").await;
    assert_eq!(
        contents(&replayed),
        [(run_id, vec![1]), (run_id, vec![2])],
        "each dead letter is its own delivery"
    );
    for delivery in &replayed {
        let sequence = delivery.lease.letter;
        let outcome = if sequence == 1 { delivered(1) } else { dead_letter(2, false) };
        settle(&fixture, delivery, outcome).await;
    }
    let left = fixture.store.dead_letters(None, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.event.sequence).collect::<Vec<_>>(), [2]);
    assert!(take(&fixture, "all").await.is_empty());
}

async fn dead_letters_are_listed_with_their_details(fixture: Fixture) {
    subscribe(&fixture).await;
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    for subscriber in ["ends", "all"] {
        let deliveries = take(&fixture, subscriber).await;
        let sequence = deliveries[0].events[0].sequence;
        settle(&fixture, &deliveries[0], refused(sequence)).await;
        fixture.clock.advance(DELAY);
        let deliveries = take(&fixture, subscriber).await;
        settle(&fixture, &deliveries[0], dead_letter(sequence, true)).await;
    }
    let letters = fixture.store.dead_letters(None, None, 10).await.unwrap();
    let shown: Vec<_> = letters.iter().map(|letter| (letter.plugin.as_str(), letter.attempts)).collect();
    assert_eq!(shown, [("all", 2), ("ends", 2)]);
    assert_eq!(letters[1].event, fixture.events(run_id).await[4]);
    assert_eq!(letters[1].error, "never \u{1a}");
    assert_eq!(letters[0].at - letters[1].at, chrono::TimeDelta::from_std(DELAY).unwrap());
    assert_eq!(fixture.store.dead_letters(Some("ends"), None, 10).await.unwrap(), letters[1..]);
    assert_eq!(fixture.store.dead_letters(None, None, 1).await.unwrap(), letters[..1]);
    let after_first = letters[0].place();
    assert_eq!(fixture.store.dead_letters(None, Some(&after_first), 10).await.unwrap(), letters[1..]);
    assert!(fixture.store.dead_letters(Some("all"), Some(&after_first), 10).await.unwrap().is_empty());
    assert!(fixture.store.dead_letters(None, Some(&letters[1].place()), 10).await.unwrap().is_empty());
    assert!(
        fixture.store.dead_letters(Some("end"), None, 10).await.unwrap().is_empty(),
        "a subscriber's name is not a prefix"
    );
}

async fn a_replayed_dead_letter_has_all_its_attempts_again(fixture: Fixture) {
    subscribe(&fixture).await;
    fixture.single().await;
    fixture.single().await;
    for delivery in take(&fixture, "all").await {
        settle(&fixture, &delivery, dead_letter(1, true)).await;
    }
    let watch = fixture.store.hints().watch_changes();
    assert_eq!(
        fixture.store.replay_dead_letters(&DeadLetterFilter::new(), 1).await.unwrap(),
        1,
        "the limit is respected"
    );
    assert!(watch.has_changed().unwrap(), "a replay notifies the watchers of changes");
    let deliveries = take(&fixture, "all").await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [0]);
    assert_eq!(fixture.store.dead_letters(None, None, 10).await.unwrap().len(), 1);
}

async fn one_dead_letter_can_be_chosen_for_a_replay(fixture: Fixture) {
    subscribe(&fixture).await;
    let (_, second) = (fixture.single().await, fixture.single().await);
    for subscriber in ["all", "ends"] {
        fixture.claim_up_to("worker", 1).await;
        for delivery in take(&fixture, subscriber).await {
            settle(&fixture, &delivery, dead_letter(1, false)).await;
        }
    }
    let store = &fixture.store;
    let before = store.dead_letters(None, None, 10).await.unwrap();
    let wanted = before.iter().rfind(|letter| letter.event.run_id == second).unwrap();
    let elsewhere = DeadLetterFilter::letter(wanted).event(second, 1_000);
    assert_eq!(store.replay_dead_letters(&elsewhere, 10).await.unwrap(), 0, "no such event");
    let other_plugin = DeadLetterFilter::letter(wanted).plugin("another");
    assert_eq!(store.replay_dead_letters(&other_plugin, 10).await.unwrap(), 0, "no such plugin");

    assert_eq!(store.replay_dead_letters(&DeadLetterFilter::letter(wanted), 10).await.unwrap(), 1);
    let left = store.dead_letters(None, None, 10).await.unwrap();
    let others: Vec<_> = before.iter().filter(|letter| *letter != wanted).cloned().collect();
    assert_eq!(left, others, "only the chosen one, of a younger run");
    let rest = others.iter().filter(|letter| letter.event.run_id == second).count();
    let of_run = DeadLetterFilter::new().run(second);
    assert_eq!(store.replay_dead_letters(&of_run, 10).await.unwrap(), rest, "all of a run");
}
