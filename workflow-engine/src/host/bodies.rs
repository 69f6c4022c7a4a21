//! The bodies that run at the same time in a worker, and how long they take.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Bodies are short if they take less than this on average: not much longer than the commits before and after them.
const SHORT: Duration = Duration::from_millis(10);
/// The newest body is one part in this many of the average. A long body counts for long, so a worker whose bodies are of
/// both kinds does not have short bodies.
const WEIGHT: u64 = 16;
/// The average before the first body has ended.
const UNKNOWN: Duration = Duration::from_millis(160);
/// The most that one body counts.
const HOUR: Duration = Duration::from_secs(3_600);
/// How long a claimed job waits for its body to start. After that, another worker may run it sooner.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// The bodies of one worker, up to a limit.
pub(super) struct Bodies {
    limit: usize,
    free: Arc<Semaphore>,
    /// The moving average of the time that a body waits, reads its inputs and runs, in microseconds.
    average: AtomicU64,
}

/// A body that is to start.
pub(super) struct RequestedBody {
    bodies: Arc<Bodies>,
    requested: Instant,
    turn: Turn,
}

enum Turn {
    Now(OwnedSemaphorePermit),
    Later(Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>),
}

/// A body that runs. Dropping it is its end.
pub(super) struct RunningBody {
    bodies: Arc<Bodies>,
    requested: Instant,
    /// Until the body ends.
    permit: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// Allows for this many bodies at the same time.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        let average = AtomicU64::new(micros(UNKNOWN));
        Arc::new(Self { limit, free: Arc::new(Semaphore::new(limit)), average })
    }

    /// Requests the start of a body. Bodies start in the order of their requests.
    pub(super) fn request(self: &Arc<Self>) -> RequestedBody {
        RequestedBody { bodies: Arc::clone(self), requested: now(), turn: self.turn() }
    }

    fn turn(&self) -> Turn {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Turn::Now(permit);
        }
        let mut later = Box::pin(Arc::clone(&self.free).acquire_owned());
        // The first poll takes a place in the queue. The semaphore is never closed.
        match (&mut later).now_or_never() {
            Some(Ok(permit)) => Turn::Now(permit),
            Some(Err(_)) | None => Turn::Later(later),
        }
    }

    /// Returns how many bodies may run at the same time.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns whether bodies have been short.
    pub(super) fn are_short(&self) -> bool {
        self.average.load(Ordering::Relaxed) < micros(SHORT)
    }

    /// Returns whether at most half of the bodies that may run do so.
    pub(super) fn are_few(&self) -> bool {
        self.free.available_permits() * 2 >= self.limit
    }

    /// Sets the average time, as if bodies had taken this long.
    #[cfg(test)]
    pub(super) fn assume(&self, average: Duration) {
        self.average.store(micros(average), Ordering::Relaxed);
    }

    fn observe(&self, time: Duration) {
        let average = self.average.load(Ordering::Relaxed);
        // Of two bodies that end at the same instant, one may not be counted: it is an average.
        self.average.store((average * (WEIGHT - 1) + micros(time)) / WEIGHT, Ordering::Relaxed);
    }
}

impl RequestedBody {
    /// Waits until the body may start. Returns `None` if that takes too long.
    pub(super) async fn start(self) -> Option<RunningBody> {
        let Self { bodies, requested, turn } = self;
        let permit = match turn {
            Turn::Now(permit) => Some(permit),
            Turn::Later(permit) => tokio::time::timeout(MAX_WAIT, permit).await.ok().and_then(Result::ok),
        };
        let Some(permit) = permit else {
            bodies.observe(requested.elapsed());
            return None;
        };
        Some(RunningBody { bodies, requested, permit: Some(permit) })
    }
}

#[cfg(test)]
impl RunningBody {
    /// The same body, which will have taken no time.
    pub(super) fn without_time(mut self) -> Self {
        self.requested += HOUR;
        self
    }
}

impl Drop for RunningBody {
    fn drop(&mut self) {
        self.permit = None;
        self.bodies.observe(self.requested.elapsed());
    }
}

#[allow(clippy::disallowed_methods, reason = "bodies take real time, independently of the engine's clock")]
fn now() -> Instant {
    Instant::now()
}

/// Returns a time in microseconds, at most an hour, so that the average cannot overflow.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.min(HOUR).as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "bodies_tests.rs"]
mod tests;
