//! The store in memory as the outbox.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use super::state::{Flusher, Run, State};
use crate::error::Error;
use crate::id::RunId;
use crate::ports::Outbox;
use crate::records::{Claim, Event};
use crate::stores::instant;

#[async_trait]
impl Outbox for MemoryStore {
    fn deliver_events(&self, deliver: bool) {
        self.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn undelivered(&self, flusher: &Claim, limit: usize) -> Result<Vec<Event>, Error> {
        let mut state = self.open("read undelivered events")?;
        if state.undelivered.is_empty() {
            return Ok(Vec::new());
        }
        let now = instant::now(&*self.clock);
        if !take_lease(&mut state, flusher, now) {
            return Ok(Vec::new());
        }
        let runs = state.undelivered.iter().filter_map(|run_id| state.runs.get(run_id));
        let offered = runs.filter(|run| !waits(run, now)).flat_map(|run| {
            run.events.iter().filter(|stored| !stored.delivered).map(|stored| stored.event.clone())
        });
        Ok(offered.take(limit).collect())
    }

    async fn mark_delivered(&self, events: Vec<(RunId, u64)>) -> Result<(), Error> {
        let mut state = self.open("mark events as delivered")?;
        for (run_id, sequence) in events {
            let Some(run) = state.runs.get_mut(&run_id) else { continue };
            if let Some(stored) = run.events.iter_mut().find(|stored| stored.event.sequence == sequence) {
                stored.delivered = true;
            }
            if run.events.iter().all(|stored| stored.delivered) {
                state.undelivered.remove(&run_id);
            }
        }
        Ok(())
    }

    async fn mark_refused(&self, run_id: RunId, sequence: u64, delay: Duration) -> Result<(), Error> {
        let mut state = self.open("mark an event as refused")?;
        let until = instant::after(instant::now(&*self.clock), delay);
        let events = state.runs.get_mut(&run_id).into_iter().flat_map(|run| &mut run.events);
        for stored in events.filter(|stored| stored.event.sequence == sequence && !stored.delivered) {
            stored.waits_until = Some(until);
        }
        Ok(())
    }
}

/// Takes or extends the flusher's lease, unless somebody else holds it.
fn take_lease(state: &mut State, flusher: &Claim, now: DateTime<Utc>) -> bool {
    let held = state.flusher.as_ref();
    if held.is_some_and(|held| held.worker_id != flusher.worker_id && held.leased_until > now) {
        return false;
    }
    let leased_until = instant::after(now, flusher.lease);
    state.flusher = Some(Flusher { worker_id: flusher.worker_id.clone(), leased_until });
    true
}

/// Whether an undelivered event of the run waits for its retry.
fn waits(run: &Run, now: DateTime<Utc>) -> bool {
    run.events.iter().any(|stored| !stored.delivered && stored.waits_until.is_some_and(|until| until > now))
}
