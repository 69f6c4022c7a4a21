//! The store in memory as an outbox.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::{State, StoredCommit};
use crate::error::Error;
use crate::ports::{
    DeadLetterFilter, Delivery, DeliveryClaim, DeliveryLease, DeliveryStart, Outbox, Registration,
    Settlement, Subscription,
};
use crate::records::{DeadLetter, DeadLetterPlace, DeliveryRecord, SubscriberRecord};
use crate::stores::deliveries::{check_registered, lease_of, settle, sorted_types, window_end};
use crate::stores::instant;
use crate::telemetry::SubscriberBacklog;
use crate::value::RunId;

/// The deliveries of a subscriber that are counted.
const MAX_COUNTED: usize = 10_000;

#[async_trait]
impl Outbox for MemoryStore {
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error> {
        let mut state = self.open("register a subscriber")?;
        let name = &subscription.subscriber;
        let event_types: Vec<String> = sorted_types(subscription).into_iter().map(str::to_owned).collect();
        if let Some(registered) = state.subscribers.get_mut(name) {
            let is_same = registered.event_types == event_types;
            registered.event_types = event_types;
            return Ok(if is_same { Registration::Unchanged } else { Registration::Changed });
        }
        let now = instant::now(&*self.clock);
        if start == DeliveryStart::Oldest {
            add_old_events(&mut state, name, &event_types, now);
        }
        let record = SubscriberRecord { name: name.clone(), event_types, created_at: now };
        state.subscribers.insert(name.clone(), record);
        Ok(Registration::Added)
    }

    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        let mut state = self.open("remove a subscriber")?;
        let is_removed = state.subscribers.remove(name).is_some();
        state.deliveries.retain(|_, row| row.subscriber != name);
        if state.subscribers.is_empty() {
            for run_id in std::mem::take(&mut state.unpublished_runs) {
                let commits = state.runs.get_mut(&run_id).into_iter().flat_map(|run| &mut run.commits);
                commits.for_each(|commit| commit.is_published = true);
            }
        }
        Ok(is_removed)
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        Ok(self.open("read the subscribers")?.subscribers.values().cloned().collect())
    }

    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error> {
        let state = self.open("count deliveries")?;
        let backlog = |name: &String| {
            let rows = || state.deliveries.values().filter(|row| row.subscriber == *name);
            let pending = rows().filter(|row| row.dead_at.is_none()).take(MAX_COUNTED);
            let undelivered = pending.map(|row| row.last + 1 - row.next).sum();
            let dead = rows().filter(|row| row.dead_at.is_some()).take(MAX_COUNTED).count();
            SubscriberBacklog::new(name, undelivered, dead as u64)
        };
        Ok(state.subscribers.keys().map(backlog).collect())
    }

    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        let mut state = self.open("claim deliveries")?;
        let now = instant::now(&*self.clock);
        let name = &ask.subscription.subscriber;
        let is_due =
            |row: &DeliveryRecord| row.subscriber == *name && row.dead_at.is_none() && row.due_at <= now;
        if state.unpublished_runs.is_empty() && !state.deliveries.values().any(is_due) {
            return Ok(Vec::new());
        }
        let event_types = state.subscribers.get(name).map(|subscriber| subscriber.event_types.clone());
        check_registered(&ask.subscription, event_types.as_deref())?;
        let event_types = event_types.unwrap_or_default();
        publish(&mut state, now);
        let mut due: Vec<_> = state.deliveries.values_mut().filter(|row| is_due(row)).collect();
        due.sort_by_key(|row| (row.due_at, row.run_id, row.letter));
        due.truncate(ask.deliveries);
        let claimed: Vec<DeliveryRecord> = due
            .into_iter()
            .map(|row| {
                row.epoch += 1;
                row.due_at = instant::after(now, ask.claim.lease);
                row.worker_id = Some(ask.claim.worker_id.clone());
                row.clone()
            })
            .collect();
        Ok(claimed.into_iter().map(|row| delivery(&state, &row, ask.window, &event_types)).collect())
    }

    async fn renew_deliveries(
        &self,
        mut leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error> {
        let mut state = self.open("renew deliveries")?;
        let until = instant::after(instant::now(&*self.clock), lease);
        leases.retain(|lease| {
            let row = state.deliveries.get_mut(&key_of(lease));
            let held = row.filter(|row| row.worker_id.is_some() && lease_of(row) == *lease);
            held.map(|row| row.due_at = until).is_none()
        });
        Ok(leases)
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        let mut state = self.open("settle deliveries")?;
        let now = instant::now(&*self.clock);
        for settlement in settlements {
            let key = key_of(&settlement.lease);
            let Some(row) = state.deliveries.get(&key).cloned() else { continue };
            let Some(settled) = settle(row, &settlement, now) else { continue };
            state.deliveries.remove(&key);
            for row in settled.row.into_iter().chain(settled.letter) {
                state.deliveries.insert((row.subscriber.clone(), row.run_id, row.letter), row);
            }
        }
        Ok(())
    }

    async fn expedite_deliveries(&self, subscriber: &str) -> Result<usize, Error> {
        self.requeue("expedite deliveries", |row, now| {
            row.subscriber == subscriber
                && row.dead_at.is_none()
                && row.worker_id.is_none()
                && row.due_at > now
        })
    }

    async fn release_deliveries(&self, dead_workers: &[String]) -> Result<usize, Error> {
        self.requeue("release deliveries", |row, _| {
            row.worker_id.as_ref().is_some_and(|worker| dead_workers.contains(worker))
        })
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read when a delivery is due")?;
        let own = state.deliveries.values().filter(|row| row.subscriber == subscriber);
        Ok(own.filter(|row| row.dead_at.is_none()).map(|row| row.due_at).min())
    }

    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        let state = self.open("read dead letters")?;
        let letter = |row: &DeliveryRecord| {
            let run = state.runs.get(&row.run_id)?;
            let event = run.events(row.next).next()?;
            Some(DeadLetter {
                plugin: row.subscriber.clone(),
                event,
                error: row.error.clone().unwrap_or_default(),
                attempts: row.attempts,
                at: row.dead_at?,
            })
        };
        let selected = DeadLetterFilter { plugin: subscriber.map(str::to_owned), ..DeadLetterFilter::new() };
        let letters = dead_rows(&state, &selected).into_iter().filter_map(|row| letter(&row));
        let later = letters.filter(|letter| after.is_none_or(|after| letter.place() > *after));
        Ok(later.take(limit).collect())
    }

    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error> {
        let replayed: Vec<DeliveryRecord> = {
            let mut state = self.open("replay dead letters")?;
            let now = instant::now(&*self.clock);
            let replayed = dead_rows(&state, letters).into_iter().take(limit).map(|row| DeliveryRecord {
                dead_at: None,
                due_at: now,
                attempts: 0,
                ..row
            });
            let replayed: Vec<_> = replayed.collect();
            for row in &replayed {
                state.deliveries.insert((row.subscriber.clone(), row.run_id, row.letter), row.clone());
            }
            replayed
        };
        for row in &replayed {
            self.hints.run_changed(row.run_id);
        }
        Ok(replayed.len())
    }
}

impl MemoryStore {
    /// Makes the selected deliveries due now, and returns their number.
    fn requeue(
        &self,
        doing: &str,
        is_selected: impl Fn(&DeliveryRecord, DateTime<Utc>) -> bool,
    ) -> Result<usize, Error> {
        let mut runs = Vec::new();
        {
            let mut state = self.open(doing)?;
            let now = instant::now(&*self.clock);
            for row in state.deliveries.values_mut().filter(|row| is_selected(row, now)) {
                (row.due_at, row.worker_id) = (now, None);
                runs.push(row.run_id);
            }
        }
        for run_id in &runs {
            self.hints.run_changed(*run_id);
        }
        Ok(runs.len())
    }
}

fn key_of(lease: &DeliveryLease) -> (String, RunId, u64) {
    (lease.subscriber.clone(), lease.run_id, lease.letter)
}

fn new_delivery(subscriber: &str, run_id: RunId, sequence: u64, now: DateTime<Utc>) -> DeliveryRecord {
    DeliveryRecord {
        subscriber: subscriber.to_owned(),
        run_id,
        letter: 0,
        next: sequence,
        last: sequence,
        epoch: 0,
        attempts: 0,
        worker_id: None,
        due_at: now,
        error: None,
        dead_at: None,
    }
}

/// Creates a new subscriber's deliveries for the events that were passed on before it came.
fn add_old_events(state: &mut State, subscriber: &str, event_types: &[String], now: DateTime<Utc>) {
    for (run_id, run) in &state.runs {
        let old = run.commits.iter().filter(|commit| commit.is_published).flat_map(StoredCommit::types);
        let mut sequences = old
            .filter(|(_, event_type)| event_types.iter().any(|name| name == event_type))
            .map(|(sequence, _)| sequence);
        let Some(first) = sequences.next() else { continue };
        let last = sequences.last().unwrap_or(first);
        let row = DeliveryRecord { last, ..new_delivery(subscriber, *run_id, first, now) };
        state.deliveries.insert((subscriber.to_owned(), *run_id, 0), row);
    }
}

/// Passes new events on to the subscribers that they concern.
fn publish(state: &mut State, now: DateTime<Utc>) {
    for run_id in std::mem::take(&mut state.unpublished_runs) {
        let Some(run) = state.runs.get_mut(&run_id) else { continue };
        let fresh = run.commits.iter_mut().filter(|commit| !commit.is_published);
        for (sequence, event_type) in fresh.flat_map(StoredCommit::publish) {
            let receives =
                |subscriber: &&SubscriberRecord| subscriber.event_types.iter().any(|own| own == event_type);
            for subscriber in state.subscribers.values().filter(receives) {
                let key = (subscriber.name.clone(), run_id, 0);
                let row = state.deliveries.entry(key);
                row.or_insert_with(|| new_delivery(&subscriber.name, run_id, sequence, now)).last = sequence;
            }
        }
    }
}

fn delivery(state: &State, row: &DeliveryRecord, window: usize, event_types: &[String]) -> Delivery {
    let last_sequence = window_end(row, window);
    let events = state.runs.get(&row.run_id).into_iter().flat_map(|run| run.events(row.next));
    let events = events
        .take_while(|event| event.sequence <= last_sequence)
        .filter(|event| event_types.iter().any(|name| name == event.kind.name()));
    Delivery { lease: lease_of(row), events: events.collect(), last_sequence, attempts: row.attempts }
}

/// Returns the dead letters, in the order of `Outbox::dead_letters`.
fn dead_rows(state: &State, letters: &DeadLetterFilter) -> Vec<DeliveryRecord> {
    let is_selected = |row: &&DeliveryRecord| {
        row.dead_at.is_some() && letters.admits(&row.subscriber, row.run_id, row.next)
    };
    let mut dead: Vec<_> = state.deliveries.values().filter(is_selected).cloned().collect();
    dead.sort_by(|a, b| {
        let key = |row: &DeliveryRecord| (row.dead_at, row.run_id, row.next);
        a.subscriber.cmp(&b.subscriber).then(key(a).cmp(&key(b)))
    });
    dead
}
