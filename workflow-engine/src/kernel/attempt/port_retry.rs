//! Calls of ports within an attempt, repeated while a port is unavailable.
//!
//! A store or a blob store that refuses for a moment costs no attempt: the attempt waits and calls again, under its
//! lease, which the host renews meanwhile. Every call of a port within an attempt comes through here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::{Clock, Store};
use crate::records::Lease;

/// The name of these calls in the log of outages.
const CALL: &str = "call a port for a stage";

const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// For how many times its lease an attempt waits for a port. An outage of a minute then does not lose the outcome of an
/// hour's work, and a port that is down for longer does not occupy the worker.
const MAX_LEASES: u32 = 4;

/// Repeats the calls of one attempt.
#[derive(Clone)]
pub(super) struct PortRetry {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    lease: Lease,
    max_wait: Duration,
    /// The error of the port that was last stayed unavailable.
    failure: Arc<Mutex<Option<String>>>,
}

impl PortRetry {
    pub(super) fn new(kernel: &Kernel, lease: &Lease) -> Self {
        let max_wait = kernel.lease().saturating_mul(MAX_LEASES);
        let (clock, store) = (Arc::clone(kernel.clock()), Arc::clone(kernel.store()));
        Self { clock, store, lease: lease.clone(), max_wait, failure: Arc::default() }
    }

    /// Returns the error of the port that last stayed unavailable for this, or for a clone of it.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls a port until it responds, the error is not retryable, or the wait has lasted four leases. Returns the last
    /// error.
    pub(super) async fn call<T, F>(&self, call: impl Fn() -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        self.call_until(&CancellationToken::new(), call).await
    }

    /// As [`PortRetry::call`], and no longer than until `stop` is cancelled.
    pub(super) async fn call_until<T, F>(
        &self,
        stop: &CancellationToken,
        call: impl Fn() -> F + Send,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let error = match call().await {
            Err(error) if error.is_retryable() => error,
            result => return result,
        };
        let Self { clock, lease, max_wait, .. } = self;
        let outages = self.store.hints().outages();
        outages.failed(CALL, &error);
        tracing::debug!(run = %lease.run_id, stage = lease.stage_id, %error, "a port is unavailable, so an attempt waits and calls it again");
        let began = clock.now();
        let end = TimeDelta::from_std(*max_wait).ok().and_then(|wait| began.checked_add_signed(wait));
        let pauses =
            ExponentialBuilder::new().with_min_delay(MIN_PAUSE).with_max_delay(MAX_PAUSE).without_max_times();
        let mut newest = error;
        for pause in pauses.build() {
            if end.is_some_and(|end| clock.now() >= end) {
                break;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = clock.sleep(pause) => {}
            }
            match call().await {
                Err(error) if error.is_retryable() => {
                    outages.failed(CALL, &error);
                    newest = error;
                }
                result => {
                    outages.succeeded(CALL);
                    let waited = (clock.now() - began).to_std().unwrap_or_default();
                    tracing::debug!(run = %lease.run_id, stage = lease.stage_id, ?waited, "the port is available again");
                    return result;
                }
            }
        }
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(newest.to_string());
        Err(newest)
    }
}
