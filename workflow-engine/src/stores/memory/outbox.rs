//! The store in memory as an outbox.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::State;
use crate::error::Error;
use crate::ports::{Delivery, DeliveryClaim, Outbox, Settlement};
use crate::records::{DeadLetter, DeliveryRecord};
use crate::stores::deliveries::{lease_of, settle, window_end};
use crate::stores::instant;

#[async_trait]
impl Outbox for MemoryStore {
    fn deliver_events(&self, deliver: bool) {
        self.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        let mut state = self.open("claim deliveries")?;
        let now = instant::now(&*self.clock);
        publish(&mut state, ask, now);
        let mut due: Vec<_> = state
            .deliveries
            .values_mut()
            .filter(|row| row.subscriber == ask.subscriber && row.dead_at.is_none() && row.due_at <= now)
            .collect();
        due.sort_by_key(|row| (row.due_at, row.run_id, row.letter));
        due.truncate(ask.deliveries);
        let claimed: Vec<DeliveryRecord> = due
            .into_iter()
            .map(|row| {
                row.epoch += 1;
                row.due_at = instant::after(now, ask.claim.lease);
                row.clone()
            })
            .collect();
        Ok(claimed.into_iter().map(|row| delivery(&state, &row, ask)).collect())
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        let mut state = self.open("settle deliveries")?;
        let now = instant::now(&*self.clock);
        for settlement in settlements {
            let lease = &settlement.lease;
            let key = (lease.subscriber.clone(), lease.run_id, lease.letter);
            let Some(row) = state.deliveries.get(&key).cloned() else { continue };
            let Some(settled) = settle(row, &settlement, now) else { continue };
            state.deliveries.remove(&key);
            for row in settled.row.into_iter().chain(settled.letter) {
                state.deliveries.insert((row.subscriber.clone(), row.run_id, row.letter), row);
            }
        }
        Ok(())
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let state = self.open("read when a delivery is due")?;
        let own = state.deliveries.values().filter(|row| row.subscriber == subscriber);
        Ok(own.filter(|row| row.dead_at.is_none()).map(|row| row.due_at).min())
    }

    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let state = self.open("read dead letters")?;
        let letter = |row: &DeliveryRecord| {
            let run = state.runs.get(&row.run_id)?;
            let event = run.events.iter().find(|stored| stored.event.sequence == row.next)?.event.clone();
            Some(DeadLetter {
                plugin: row.subscriber.clone(),
                event,
                error: row.error.clone().unwrap_or_default(),
                attempts: row.attempts,
                at: row.dead_at?,
            })
        };
        Ok(dead_rows(&state, subscriber).into_iter().take(limit).filter_map(|row| letter(&row)).collect())
    }

    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error> {
        let replayed: Vec<DeliveryRecord> =
            {
                let mut state = self.open("replay dead letters")?;
                let now = instant::now(&*self.clock);
                let replayed = dead_rows(&state, subscriber)
                    .into_iter()
                    .take(limit)
                    .map(|row| DeliveryRecord { dead_at: None, due_at: now, attempts: 0, ..row });
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

/// Passes new events on to the subscribers that they concern.
fn publish(state: &mut State, ask: &DeliveryClaim, now: DateTime<Utc>) {
    for run_id in std::mem::take(&mut state.unpublished_runs) {
        let Some(run) = state.runs.get_mut(&run_id) else { continue };
        for stored in run.events.iter_mut().filter(|stored| !stored.is_published) {
            stored.is_published = true;
            let (sequence, name) = (stored.event.sequence, stored.event.kind.name());
            for subscription in ask.subscriptions.iter().filter(|own| own.event_types.contains(&name)) {
                let key = (subscription.subscriber.clone(), run_id, 0);
                let row = state.deliveries.entry(key).or_insert_with(|| DeliveryRecord {
                    subscriber: subscription.subscriber.clone(),
                    run_id,
                    letter: 0,
                    next: sequence,
                    last: sequence,
                    epoch: 0,
                    attempts: 0,
                    due_at: now,
                    error: None,
                    dead_at: None,
                });
                row.last = sequence;
            }
        }
    }
}

fn delivery(state: &State, row: &DeliveryRecord, ask: &DeliveryClaim) -> Delivery {
    let last_sequence = window_end(row, ask.window);
    let events = state.runs.get(&row.run_id).into_iter().flat_map(|run| &run.events);
    let events = events.map(|stored| &stored.event).filter(|event| {
        (row.next..=last_sequence).contains(&event.sequence) && ask.event_types().contains(&event.kind.name())
    });
    Delivery {
        lease: lease_of(row),
        events: events.cloned().collect(),
        last_sequence,
        attempts: row.attempts,
    }
}

/// Returns the dead letters, in the order of `Outbox::dead_letters`.
fn dead_rows(state: &State, subscriber: Option<&str>) -> Vec<DeliveryRecord> {
    let is_selected = |row: &&DeliveryRecord| {
        row.dead_at.is_some() && subscriber.is_none_or(|subscriber| row.subscriber == subscriber)
    };
    let mut dead: Vec<_> = state.deliveries.values().filter(is_selected).cloned().collect();
    dead.sort_by(|a, b| {
        let key = |row: &DeliveryRecord| (row.dead_at, row.run_id, row.letter);
        a.subscriber.cmp(&b.subscriber).then(key(a).cmp(&key(b)))
    });
    dead
}
