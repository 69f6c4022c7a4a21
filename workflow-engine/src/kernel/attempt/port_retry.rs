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

/// Repeats the calls that the engine makes for one attempt.
#[derive(Clone, Copy)]
pub(super) struct PortRetry<'a> {
    clock: &'a dyn Clock,
    store: &'a dyn Store,
    lease: &'a Lease,
    max_wait: Duration,
}

impl<'a> PortRetry<'a> {
    pub(super) fn new(kernel: &'a Kernel, lease: &'a Lease) -> Self {
        let max_wait = kernel.lease().saturating_mul(MAX_LEASES);
        Self { clock: &**kernel.clock(), store: &**kernel.store(), lease, max_wait }
    }

    /// Calls a port until it responds, the error is not retryable, or the wait has lasted four leases. Returns the last
    /// error.
    pub(super) async fn call<T, F>(self, call: impl Fn() -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        match call().await {
            Err(error) if error.is_retryable() => Box::pin(self.repeat(None, error, call)).await,
            result => result,
        }
    }

    /// As [`PortRetry::call`], and no longer than until `stop` is cancelled.
    pub(super) async fn call_until<T, F>(
        self,
        stop: &CancellationToken,
        call: impl Fn() -> F + Send,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        match call().await {
            Err(error) if error.is_retryable() => Box::pin(self.repeat(Some(stop), error, call)).await,
            result => result,
        }
    }

    /// Boxed by its callers, because it is rare, and would be a part of the future of each call.
    async fn repeat<T, F>(
        self,
        stop: Option<&CancellationToken>,
        error: Error,
        call: impl Fn() -> F + Send,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let Self { clock, store, lease, max_wait } = self;
        let outages = store.hints().outages();
        outages.failed(CALL, &error);
        tracing::debug!(run = %lease.run_id, stage = %lease.stage_key, %error, "a port is unavailable, so an attempt waits and calls it again");
        let began = clock.now();
        let end = TimeDelta::from_std(max_wait).ok().and_then(|wait| began.checked_add_signed(wait));
        let pauses =
            ExponentialBuilder::new().with_min_delay(MIN_PAUSE).with_max_delay(MAX_PAUSE).without_max_times();
        let stopped = async {
            match stop {
                Some(stop) => stop.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let mut stopped = std::pin::pin!(stopped);
        let mut newest = error;
        for pause in pauses.build() {
            if end.is_some_and(|end| clock.now() >= end) {
                break;
            }
            tokio::select! {
                biased;
                () = &mut stopped => break,
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
                    tracing::debug!(run = %lease.run_id, stage = %lease.stage_key, ?waited, "the port is available again");
                    return result;
                }
            }
        }
        Err(newest)
    }
}

/// Repeats the calls that a body makes, until its attempt stops. It is shared by the services of the body.
pub(super) struct BodyPorts {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    lease: Lease,
    max_wait: Duration,
    /// Cancelled when the run has ended, the lease is lost, or the host stops.
    pub(super) stop: CancellationToken,
    /// The error of the port that last stayed unavailable.
    failure: Mutex<Option<String>>,
}

impl BodyPorts {
    pub(super) fn new(kernel: &Kernel, lease: &Lease, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            store: Arc::clone(kernel.store()),
            clock: Arc::clone(kernel.clock()),
            lease: lease.clone(),
            max_wait: PortRetry::new(kernel, lease).max_wait,
            stop: stop.clone(),
            failure: Mutex::default(),
        })
    }

    /// Returns the lease of the attempt.
    pub(super) const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Returns the error of the port that last stayed unavailable for the body.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`PortRetry::call_until`] with the attempt's own `stop`.
    pub(super) async fn call<T, F>(&self, call: impl Fn() -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let Self { store, clock, lease, max_wait, stop, .. } = self;
        let retry = PortRetry { clock: &**clock, store: &**store, lease, max_wait: *max_wait };
        let result = retry.call_until(stop, call).await;
        if let Err(error) = &result
            && error.is_retryable()
        {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        result
    }
}
