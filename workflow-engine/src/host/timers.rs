//! Keeps the starts and the deadlines of runs, and the ticks of schedules.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::RunWatch;

/// The shortest time between two looks for instants that other processes have written. A process that writes one keeps it
/// itself, if it has a worker.
const EXTERNAL_INTERVAL: Duration = Duration::from_millis(100);

/// The pause after two passes that could do nothing about what is due: another process is about to, or may be.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Starts runs and fails them at their instants, and handles the ticks of schedules. It waits for the earliest instant, for
/// hints that there is another, and for the ends of runs for which schedules wait.
pub(super) struct Timers {
    own: watch::Receiver<u64>,
    /// The commits of other processes, and jumps of the clock.
    external: watch::Receiver<u64>,
    /// The earliest instant of the next look for instants of other processes.
    next_look: DateTime<Utc>,
    /// The runs for which schedules wait.
    blocking: Vec<RunWatch>,
    /// Whether the pass before could do nothing about what was due.
    is_stuck: bool,
    /// The end of the pause after an error, which no change shortens.
    paused_until: Option<DateTime<Utc>>,
}

impl Timers {
    pub(super) fn new(kernel: &Kernel) -> Self {
        let hints = kernel.store().hints();
        let next_look = kernel.clock().now();
        let (own, external) = (hints.watch_timers(), hints.watch_external());
        Self { own, external, next_look, blocking: Vec::new(), is_stuck: false, paused_until: None }
    }
}

impl Service for Timers {
    fn name(&self) -> String {
        "keep starts, deadlines and schedules".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        self.own.mark_unchanged();
        self.external.mark_unchanged();
        // Read before: what becomes due during the pass is for the next one, at once.
        let now = kernel.clock().now();
        self.next_look = now + EXTERNAL_INTERVAL;
        let found = kernel.keep_times().await?;
        let waits = kernel.schedule_waits().await?;
        // Watched before they are read, so that no end is missed.
        let hints = kernel.store().hints();
        self.blocking = waits.runs.iter().map(|run_id| hints.watch_run(*run_id)).collect();
        let next = kernel.next_time_of(&waits).await?;
        let was_stuck = std::mem::take(&mut self.is_stuck);
        Ok(match next {
            None => Next::WhenWoken,
            Some(next) if next > now => Next::At(next),
            Some(_) => {
                // What became due during this pass is for the next one: a pause follows a second pass without effect.
                self.is_stuck = found == 0;
                if self.is_stuck && was_stuck { Next::At(now + RETRY_INTERVAL) } else { Next::Now }
            }
        })
    }

    async fn woken(&mut self, kernel: &Kernel) {
        if let Some(end) = self.paused_until {
            kernel.clock().sleep_until(end).await;
            self.paused_until = None;
        }
        let next_look = self.next_look;
        let (own, external) = (&mut self.own, &mut self.external);
        let ends = self.blocking.iter_mut().map(|run| Box::pin(run.may_be_over()));
        let mut ends: FuturesUnordered<_> = ends.collect();
        // Neither can fail: the store holds the senders.
        let other_process = async {
            let _ = external.changed().await;
            external.mark_changed();
            kernel.clock().sleep_until(next_look).await;
        };
        let has_ended = tokio::select! {
            _ = own.changed() => false,
            () = other_process => false,
            Some(_) = ends.next() => true,
        };
        drop(ends);
        // A commit of another process may have ended any run, so it is a reason to look as seldom as its instants are.
        if has_ended && self.external.has_changed().unwrap_or(false) {
            kernel.clock().sleep_until(next_look).await;
        }
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        let end = kernel.clock().now() + pause;
        self.paused_until = Some(end);
        Next::At(end)
    }
}
