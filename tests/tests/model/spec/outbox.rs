//! `outbox.flush`: each event at least once, in order within its run, by one flusher of the run at a time.

use super::Reference;
use super::state::Delivery;
use super::writes::Stop;
use crate::step::{Index, Response};

const LEASE_MS: u64 = 30_000;
const FIRST_DELAY_MS: u64 = 1_000;
const MAX_DELAY_MS: u64 = 300_000;
/// The most runs in one claim, and the most events of each.
const RUNS: usize = 32;
const EVENTS: usize = 64;

impl Reference {
    pub(super) fn flush(&mut self, limit: usize, refused: Option<Index>) -> Result<Response, Stop> {
        let (mut published, mut refusals) = (0, 0);
        while published + refusals < limit {
            let left = limit - published - refusals;
            let claimed = self.write(|it| it.claim_deliveries(left))?;
            if claimed.is_empty() {
                break;
            }
            let mut settled = Vec::new();
            for (run, next, last) in claimed {
                // The last delivered event, and whether the next one was refused.
                let (mut delivered, mut was_refused) = (last, false);
                for sequence in next..=last {
                    if published + refusals == limit {
                        delivered = sequence - 1;
                        break;
                    }
                    if refused == Some(run) {
                        (delivered, was_refused) = (sequence - 1, true);
                        refusals += 1;
                        break;
                    }
                    // The sink has received the event even if the settlement is lost.
                    self.delivered.push((run, sequence));
                    published += 1;
                }
                settled.push((run, delivered, was_refused));
            }
            self.write(|it| settled.into_iter().for_each(|(run, to, refused)| it.settle(run, to, refused)))?;
        }
        Ok(Response::Flushed { published, refused: refusals })
    }

    /// Publishes new events, and claims the deliveries that have been due for longest: runs, each with its first and
    /// last event.
    fn claim_deliveries(&mut self, left: usize) -> Vec<(Index, usize, usize)> {
        let now = self.now;
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
        let mut due: Vec<(u64, Index)> = waiting.map(|(index, run)| (run.delivery.due, index)).collect();
        due.retain(|(due, _)| *due <= now);
        due.sort_unstable();
        due.truncate(left.min(RUNS));
        let claim = |(_, index): (u64, Index)| {
            let Delivery { next, last, due, .. } = &mut self.runs[index].delivery;
            *due = now + LEASE_MS;
            (index, *next, (*last).min(*next + left.min(EVENTS) - 1))
        };
        due.into_iter().map(claim).collect()
    }

    fn settle(&mut self, run: Index, delivered: usize, refused: bool) {
        let now = self.now;
        let delivery = &mut self.runs[run].delivery;
        if delivered >= delivery.next {
            (delivery.next, delivery.attempts) = (delivered + 1, 0);
        }
        delivery.due = now;
        if refused {
            delivery.due += (FIRST_DELAY_MS << delivery.attempts).min(MAX_DELAY_MS);
            delivery.attempts += 1;
        }
    }
}
