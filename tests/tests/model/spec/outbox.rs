//! `outbox.flush`: each event at least once, in order within its run, by one flusher of the run at a time.

use super::state::{Delivery, Recovery};
use super::writes::Stop;
use super::{LEASE_MS, Reference};
use crate::step::{Index, Response};

const FIRST_DELAY_MS: u64 = 1_000;
const MAX_DELAY_MS: u64 = 300_000;
/// The most events in one claim. The sink takes one run at a time.
const EVENTS: usize = 64;
/// The pauses before a settlement is repeated.
const MIN_PAUSE_MS: u64 = 50;
const MAX_PAUSE_MS: u64 = 5_000;

impl Reference {
    pub(super) fn flush(
        &mut self,
        process: Index,
        limit: usize,
        refused: Option<Index>,
    ) -> Result<Response, Stop> {
        let (mut published, mut refusals) = (0, 0);
        while published + refusals < limit {
            let left = limit - published - refusals;
            let began = self.now;
            let Some((run, next, last)) = self.write(|it| it.claim_delivery(process, left))? else { break };
            let attempts = self.runs[run].delivery.attempts;
            let was_refused = refused == Some(run);
            let delivered = if was_refused { next - 1 } else { last };
            // The sink has received the events even if the settlement is lost.
            self.delivered.extend((next..=delivered).map(|sequence| (run, sequence)));
            published += delivered + 1 - next;
            refusals += usize::from(was_refused);
            let recovers = self.processes[process].recovery.observe(run, attempts, was_refused);
            self.settle_with_retry(began + LEASE_MS, run, delivered, was_refused)?;
            if recovers && !self.expedite()? {
                self.processes[process].recovery.is_down = true;
            }
        }
        Ok(Response::Flushed { published, refused: refusals })
    }

    /// Makes the refused deliveries due. Returns whether the store was available.
    fn expedite(&mut self) -> Result<bool, Stop> {
        let expedited = self.write(|it| {
            let now = it.now;
            for run in &mut it.runs {
                if run.delivery.holder.is_none() && run.delivery.due > now {
                    run.delivery.due = now;
                }
            }
        });
        match expedited {
            Err(Stop::Unavailable) => Ok(false),
            done => done.map(|()| true),
        }
    }

    fn settle_with_retry(
        &mut self,
        until: u64,
        run: Index,
        delivered: usize,
        refused: bool,
    ) -> Result<(), Stop> {
        let mut pause = MIN_PAUSE_MS;
        loop {
            match self.write(|it| it.settle(run, delivered, refused)) {
                Err(Stop::Unavailable) if self.now < until => self.now += pause,
                done => return done,
            }
            pause = (pause * 2).min(MAX_PAUSE_MS);
        }
    }

    /// Publishes new events, and claims the delivery that has been due for longest: a run, with its first and last event.
    fn claim_delivery(&mut self, process: Index, left: usize) -> Option<(Index, usize, usize)> {
        let (now, name) = (self.now, self.processes[process].name(process));
        for run in &mut self.runs {
            let had_events = run.delivery.has_events();
            if run.events.len() > run.delivery.last {
                run.delivery.last = run.events.len();
                if !had_events {
                    (run.delivery.due, run.delivery.attempts) = (now, 0);
                }
            }
        }
        let waiting = self.runs.iter().enumerate().filter(|(_, run)| run.delivery.has_events());
        let due = waiting.map(|(index, run)| (run.delivery.due, index)).filter(|(due, _)| *due <= now);
        let (_, index) = due.min()?;
        let Delivery { next, last, due, holder, .. } = &mut self.runs[index].delivery;
        (*due, *holder) = (now + LEASE_MS, Some(name));
        Some((index, *next, (*last).min(*next + left.min(EVENTS) - 1)))
    }

    /// Makes the deliveries due that dead processes hold.
    pub(super) fn release_deliveries(&mut self) {
        for run in &mut self.runs {
            if run.delivery.holder.take_if(|holder| self.dead.contains(holder)).is_some() {
                run.delivery.due = self.now;
            }
        }
    }

    fn settle(&mut self, run: Index, delivered: usize, refused: bool) {
        let now = self.now;
        let delivery = &mut self.runs[run].delivery;
        if delivery.holder.is_none() {
            // Settled already, by a write whose response was lost.
            return;
        }
        if delivered >= delivery.next {
            (delivery.next, delivery.attempts) = (delivered + 1, 0);
        }
        (delivery.due, delivery.holder) = (now, None);
        if refused {
            delivery.due += (FIRST_DELAY_MS << delivery.attempts).min(MAX_DELAY_MS);
            delivery.attempts += 1;
        }
    }
}

impl Recovery {
    /// Notes what has become of a run's delivery, of which the first event was refused `attempts` times before. Returns
    /// whether the refused deliveries are to be tried now.
    fn observe(&mut self, run: Index, attempts: u32, was_refused: bool) -> bool {
        if was_refused {
            self.refused.insert(run);
            self.is_down |= self.refused.len() > 1;
            self.is_misled |= self.is_probing && attempts > 0;
            self.is_probing &= attempts == 0;
            return false;
        }
        self.refused.clear();
        self.is_misled &= attempts == 0;
        let recovers = self.is_down && !self.is_misled;
        if recovers {
            (self.is_down, self.is_probing) = (false, attempts == 0);
        }
        recovers
    }
}
