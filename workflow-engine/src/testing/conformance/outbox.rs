//! Events on their way to their subscribers (G7).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, claim};
use crate::value::RunId;
use crate::ports::{Delivery, DeliveryClaim, DeliveryOutcome, Settlement, Subscription};
use crate::records::EventType;

cases![
    events_are_offered_in_order_until_they_are_delivered,
    an_event_concerns_whom_it_concerns,
    a_refused_event_holds_back_its_run_and_nobody_else,
    a_refused_event_is_counted_until_it_is_delivered,
    a_subscriber_delays_no_other,
    an_offer_is_limited,
    who_waits_longest_is_first,
    one_flusher_delivers_a_run_at_a_time,
    a_flusher_that_dies_is_replaced_and_cannot_settle,
    what_was_not_come_to_is_offered_again_at_once,
    a_dead_letter_holds_back_its_run,
    a_dead_letter_may_let_its_run_go_on,
    dead_letters_are_listed_with_what_is_known_of_them,
    a_replayed_letter_has_all_its_tries_again,
    the_next_delivery_is_due_when_it_says,
    what_was_never_claimed_cannot_be_settled,
];

const DELAY: Duration = Duration::from_secs(5);

fn everything() -> Vec<&'static str> {
    EventType::ALL.iter().map(|event_type| event_type.name()).collect()
}

/// A claim of one of two subscribers: `all` hears everything, `ends` of runs that are over.
fn ask(subscriber: &str, flusher: &str) -> DeliveryClaim {
    let ends = EventType::WorkflowCompleted.name();
    DeliveryClaim {
        subscriptions: vec![
            Subscription { subscriber: "all".into(), event_types: everything() },
            Subscription { subscriber: "ends".into(), event_types: vec![ends] },
        ],
        subscriber: subscriber.into(),
        claim: claim(flusher),
        deliveries: 100,
        window: 1_000,
    }
}

async fn take(fixture: &Fixture, subscriber: &str) -> Vec<Delivery> {
    take_as(fixture, subscriber, "flusher").await
}

async fn take_as(fixture: &Fixture, subscriber: &str, flusher: &str) -> Vec<Delivery> {
    fixture.store.claim_deliveries(&ask(subscriber, flusher)).await.unwrap()
}

async fn settle(fixture: &Fixture, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    fixture.store.settle_deliveries(vec![settlement]).await.unwrap();
}

fn delivered(through: u64) -> DeliveryOutcome {
    DeliveryOutcome::Delivered { last_sequence: through }
}

fn refused(sequence: u64) -> DeliveryOutcome {
    DeliveryOutcome::Refused { sequence, error: "not \"now\"\u{0}".into(), delay: DELAY }
}

fn given_up(sequence: u64, block_on_dead_letter: bool) -> DeliveryOutcome {
    DeliveryOutcome::GivenUp { sequence, error: "never \u{1a}".into(), block_on_dead_letter }
}

/// Run and sequence numbers of each delivery, in the order of the runs.
fn names(deliveries: &[Delivery]) -> Vec<(RunId, Vec<u64>)> {
    let name = |delivery: &Delivery| {
        (delivery.lease.run_id, delivery.events.iter().map(|event| event.sequence).collect())
    };
    let mut names: Vec<_> = deliveries.iter().map(name).collect();
    names.sort();
    names
}

async fn events_are_offered_in_order_until_they_are_delivered(fixture: Fixture) {
    assert!(take(&fixture, "all").await.is_empty());
    let (run_id, job) = fixture.running().await;
    let first = take(&fixture, "all").await;
    assert_eq!(names(&first), [(run_id, vec![1, 2, 3])]);
    assert_eq!((first[0].last_sequence, first[0].attempts), (3, 0));
    fixture.complete_run(&job).await;
    settle(&fixture, &first[0], delivered(2)).await;
    let second = take(&fixture, "all").await;
    assert_eq!(second[0].events, fixture.events(run_id).await[2..], "an offered event is the event");
    settle(&fixture, &second[0], delivered(5)).await;
    assert!(take(&fixture, "all").await.is_empty());
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());
    assert_eq!(fixture.event_names(run_id).await.len(), 5, "delivered events can still be read");
}

async fn an_event_concerns_whom_it_concerns(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert!(take(&fixture, "ends").await.is_empty());
    fixture.complete_run(&job).await;
    fixture.single().await;
    let deliveries = take(&fixture, "ends").await;
    assert_eq!(names(&deliveries), [(run_id, vec![5])]);
    settle(&fixture, &deliveries[0], delivered(5)).await;
    assert!(take(&fixture, "ends").await.is_empty());
    let mut nobody = ask("nobody", "flusher");
    nobody.subscriptions.clear();
    assert!(fixture.store.claim_deliveries(&nobody).await.unwrap().is_empty());
}

/// One run with an event that is refused again and again starves nobody, and its order is kept (trap 15).
async fn a_refused_event_holds_back_its_run_and_nobody_else(fixture: Fixture) {
    let held = fixture.single().await;
    let other = fixture.single().await;
    let first = take(&fixture, "all").await;
    for delivery in &first {
        let outcome = if delivery.lease.run_id == held { refused(2) } else { delivered(2) };
        settle(&fixture, delivery, outcome).await;
    }
    fixture.claim_up_to("worker", 10).await;
    assert_eq!(names(&take(&fixture, "all").await), [(other, vec![3])]);
    fixture.clock.advance(DELAY);
    let again = take(&fixture, "all").await;
    assert_eq!(names(&again), [(held, vec![2, 3])]);
    settle(&fixture, &again[0], delivered(3)).await;
    assert!(take(&fixture, "all").await.is_empty());
}

async fn a_refused_event_is_counted_until_it_is_delivered(fixture: Fixture) {
    fixture.single().await;
    for tries in 0..3 {
        let deliveries = take(&fixture, "all").await;
        assert_eq!(deliveries[0].attempts, tries);
        settle(&fixture, &deliveries[0], refused(1)).await;
        fixture.clock.advance(DELAY);
    }
    // Another event is refused: it is the first time.
    let deliveries = take(&fixture, "all").await;
    settle(&fixture, &deliveries[0], refused(2)).await;
    fixture.clock.advance(DELAY);
    assert_eq!(take(&fixture, "all").await[0].attempts, 1);
}

async fn a_subscriber_delays_no_other(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    let slow = take(&fixture, "all").await;
    let ends = take(&fixture, "ends").await;
    assert_eq!(names(&ends), [(run_id, vec![5])]);
    settle(&fixture, &ends[0], given_up(5, true)).await;
    settle(&fixture, &slow[0], refused(1)).await;
    fixture.clock.advance(DELAY);
    assert_eq!(names(&take(&fixture, "all").await), [(run_id, vec![1, 2, 3, 4, 5])]);
}

async fn an_offer_is_limited(fixture: Fixture) {
    let (run_id, _) = fixture.running().await;
    let other = fixture.single().await;
    let few = DeliveryClaim { deliveries: 1, window: 2, ..ask("all", "flusher") };
    let first = fixture.store.claim_deliveries(&few).await.unwrap();
    assert_eq!((names(&first), first[0].last_sequence), (vec![(run_id, vec![1, 2])], 2));
    let second = fixture.store.claim_deliveries(&few).await.unwrap();
    assert_eq!(names(&second), [(other, vec![1, 2])]);
    settle(&fixture, &first[0], delivered(2)).await;
    assert_eq!(names(&fixture.store.claim_deliveries(&few).await.unwrap()), [(run_id, vec![3])]);
}

async fn who_waits_longest_is_first(fixture: Fixture) {
    let first = fixture.single().await;
    let one = DeliveryClaim { deliveries: 1, window: 1, ..ask("all", "flusher") };
    let delivery = fixture.store.claim_deliveries(&one).await.unwrap();
    let second = fixture.single().await;
    fixture.clock.advance(Duration::from_secs(1));
    // What is new is handed over now, and what is left of the first run is due a moment later.
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, second);
    let third = fixture.single().await;
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, third);
    fixture.clock.advance(Duration::from_secs(1));
    settle(&fixture, &delivery[0], delivered(1)).await;
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, first);
}

/// Two flushers would deliver everything twice (trap 15).
async fn one_flusher_delivers_a_run_at_a_time(fixture: Fixture) {
    let run_id = fixture.single().await;
    let first = take_as(&fixture, "all", "one").await;
    assert_eq!(names(&first), [(run_id, vec![1, 2])]);
    assert!(take_as(&fixture, "all", "two").await.is_empty());
    assert!(take_as(&fixture, "all", "one").await.is_empty());
    // What comes meanwhile waits behind it; another run does not.
    fixture.claim_up_to("worker", 1).await;
    let other = fixture.single().await;
    assert_eq!(names(&take_as(&fixture, "all", "two").await), [(other, vec![1, 2])]);
    settle(&fixture, &first[0], delivered(2)).await;
    assert_eq!(names(&take_as(&fixture, "all", "two").await), [(run_id, vec![3])]);
}

async fn a_flusher_that_dies_is_replaced_and_cannot_settle(fixture: Fixture) {
    let run_id = fixture.single().await;
    let dead = take_as(&fixture, "all", "dead").await;
    fixture.clock.advance(LEASE);
    let living = take_as(&fixture, "all", "living").await;
    assert_eq!(names(&living), [(run_id, vec![1, 2])], "what was not settled is delivered again");
    settle(&fixture, &dead[0], delivered(2)).await;
    settle(&fixture, &dead[0], given_up(1, true)).await;
    assert!(fixture.store.dead_letters(None, 10).await.unwrap().is_empty());
    settle(&fixture, &living[0], delivered(1)).await;
    let rest = take(&fixture, "all").await;
    assert_eq!(names(&rest), [(run_id, vec![2])]);
    settle(&fixture, &rest[0], delivered(2)).await;
    // The row of what comes later is another one, even if its epoch is the same.
    fixture.claim_up_to("worker", 1).await;
    let later = take(&fixture, "all").await;
    settle(&fixture, &dead[0], given_up(1, true)).await;
    settle(&fixture, &later[0], delivered(3)).await;
    assert!(take(&fixture, "all").await.is_empty());
}

async fn what_was_not_come_to_is_offered_again_at_once(fixture: Fixture) {
    let run_id = fixture.single().await;
    let refusal = take(&fixture, "all").await;
    settle(&fixture, &refusal[0], refused(1)).await;
    fixture.clock.advance(DELAY);
    let untouched = take(&fixture, "all").await;
    settle(&fixture, &untouched[0], delivered(0)).await;
    let again = take(&fixture, "all").await;
    assert_eq!((names(&again), again[0].attempts), (vec![(run_id, vec![1, 2])], 1));
}

async fn a_dead_letter_holds_back_its_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let other = fixture.single().await;
    for delivery in take(&fixture, "all").await {
        let outcome = if delivery.lease.run_id == run_id { given_up(2, true) } else { delivered(2) };
        settle(&fixture, &delivery, outcome).await;
    }
    fixture.complete_run(&job).await;
    fixture.claim_up_to("worker", 10).await;
    fixture.clock.advance(LEASE * 100);
    let others = take(&fixture, "all").await;
    assert_eq!(names(&others), [(other, vec![3])]);
    settle(&fixture, &others[0], delivered(3)).await;
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none(), "it waits for nothing but a replay");

    assert_eq!(fixture.store.replay_dead_letters(Some("ends"), 10).await.unwrap(), 0);
    assert_eq!(fixture.store.replay_dead_letters(Some("all"), 10).await.unwrap(), 1);
    assert_eq!(names(&take(&fixture, "all").await), [(run_id, vec![2, 3, 4, 5])]);
}

async fn a_dead_letter_may_let_its_run_go_on(fixture: Fixture) {
    let run_id = fixture.single().await;
    let deliveries = take(&fixture, "all").await;
    settle(&fixture, &deliveries[0], given_up(1, false)).await;
    let rest = take(&fixture, "all").await;
    assert_eq!((names(&rest), rest[0].attempts), (vec![(run_id, vec![2])], 0));
    settle(&fixture, &rest[0], given_up(2, false)).await;
    fixture.claim_up_to("worker", 1).await;
    let later = take(&fixture, "all").await;
    assert_eq!(names(&later), [(run_id, vec![3])]);
    settle(&fixture, &later[0], delivered(3)).await;

    assert_eq!(fixture.store.replay_dead_letters(None, 10).await.unwrap(), 2);
    let replayed = take(&fixture, "all").await;
    assert_eq!(names(&replayed), [(run_id, vec![1]), (run_id, vec![2])], "each by itself");
    for delivery in &replayed {
        let sequence = delivery.lease.letter;
        let outcome = if sequence == 1 { delivered(1) } else { given_up(2, false) };
        settle(&fixture, delivery, outcome).await;
    }
    let left = fixture.store.dead_letters(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|letter| letter.event.sequence).collect::<Vec<_>>(), [2]);
    assert!(take(&fixture, "all").await.is_empty());
}

async fn dead_letters_are_listed_with_what_is_known_of_them(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    for subscriber in ["ends", "all"] {
        let deliveries = take(&fixture, subscriber).await;
        let sequence = deliveries[0].events[0].sequence;
        settle(&fixture, &deliveries[0], refused(sequence)).await;
        fixture.clock.advance(DELAY);
        let deliveries = take(&fixture, subscriber).await;
        settle(&fixture, &deliveries[0], given_up(sequence, true)).await;
    }
    let letters = fixture.store.dead_letters(None, 10).await.unwrap();
    let shown: Vec<_> = letters.iter().map(|letter| (letter.plugin.as_str(), letter.attempts)).collect();
    assert_eq!(shown, [("all", 2), ("ends", 2)]);
    assert_eq!(letters[1].event, fixture.events(run_id).await[4]);
    assert_eq!(letters[1].error, "never \u{1a}");
    assert_eq!(letters[0].at - letters[1].at, chrono::TimeDelta::from_std(DELAY).unwrap());
    assert_eq!(fixture.store.dead_letters(Some("ends"), 10).await.unwrap(), letters[1..]);
    assert_eq!(fixture.store.dead_letters(None, 1).await.unwrap(), letters[..1]);
    assert!(fixture.store.dead_letters(Some("end"), 10).await.unwrap().is_empty(), "a name is a whole name");
}

async fn a_replayed_letter_has_all_its_tries_again(fixture: Fixture) {
    fixture.single().await;
    fixture.single().await;
    for delivery in take(&fixture, "all").await {
        settle(&fixture, &delivery, given_up(1, true)).await;
    }
    let watch = fixture.store.hints().watch_changes();
    assert_eq!(fixture.store.replay_dead_letters(None, 1).await.unwrap(), 1, "at most as many as asked for");
    assert!(watch.has_changed().unwrap(), "whoever waits for changes is told");
    let deliveries = take(&fixture, "all").await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [0]);
    assert_eq!(fixture.store.dead_letters(None, 10).await.unwrap().len(), 1);
}

async fn the_next_delivery_is_due_when_it_says(fixture: Fixture) {
    fixture.single().await;
    let now = crate::ports::Clock::now(&fixture.clock);
    let deliveries = take(&fixture, "all").await;
    assert_eq!(fixture.store.next_delivery_due("all").await.unwrap(), Some(now + LEASE));
    settle(&fixture, &deliveries[0], refused(1)).await;
    assert_eq!(fixture.store.next_delivery_due("all").await.unwrap(), Some(now + DELAY));
    assert!(fixture.store.next_delivery_due("ends").await.unwrap().is_none());
    fixture.clock.advance(DELAY - Duration::from_micros(1));
    assert!(take(&fixture, "all").await.is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(take(&fixture, "all").await.len(), 1);
}

async fn what_was_never_claimed_cannot_be_settled(fixture: Fixture) {
    fixture.store.settle_deliveries(Vec::new()).await.unwrap();
    let run_id = fixture.single().await;
    let deliveries = take(&fixture, "all").await;
    let mut stranger = deliveries[0].clone();
    stranger.lease.run_id = RunId::generate();
    settle(&fixture, &stranger, delivered(2)).await;
    stranger.lease = crate::ports::DeliveryLease { epoch: 7, ..deliveries[0].lease.clone() };
    settle(&fixture, &stranger, delivered(2)).await;
    settle(&fixture, &deliveries[0], delivered(1)).await;
    assert_eq!(names(&take(&fixture, "all").await), [(run_id, vec![2])]);
}
