//! The span of an attempt, as a part of the caller's trace.

use std::time::Duration;

use tracing::Span;

use super::context::AttemptContext;
use super::port_retry::PortRetry;
use crate::error::Error;
use crate::kernel::stored_values::cached_run;
use crate::telemetry::spans::{self, AttemptSpan};
use crate::value::RunId;

/// How long after its creation the attempts of a run are parts of the caller's trace. Tracing systems keep a trace open
/// for minutes; later attempts are traces of their own, with a link.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// Returns the span of an attempt or a check. The error is that of a port that has stayed unavailable; it ends the attempt
/// here, because the body would wait for the same port as long again.
pub(super) async fn attempt_span(attempt: &AttemptContext<'_>) -> (Span, Result<(), Error>) {
    let AttemptContext { kernel, job, claimant, .. } = *attempt;
    let lease = &job.lease;
    let of = AttemptSpan {
        run_id: lease.run_id,
        workflow_id: &job.workflow_id,
        stage_id: &lease.stage_key.id,
        attempt: job.attempt,
        generation: lease.generation,
        lease_epoch: lease.epoch,
        worker_id: &claimant.worker_id,
    };
    let span = if job.is_poll { spans::check(of) } else { spans::process(of) };
    let port = kernel.config().trace_context.as_ref().filter(|_| !span.is_disabled());
    let Some(port) = port else { return (span, Ok(())) };
    // The body needs the same values, so nothing is read twice. It reports an error that waiting does not resolve.
    let retry = PortRetry::new(kernel, lease);
    let read = || cached_run(kernel, lease.run_id, lease.generation);
    let run = match retry.call_until(attempt.stop, read).await {
        Ok(run) => run,
        Err(error) if error.is_retryable() => return (span, Err(error)),
        Err(_) => return (span, Ok(())),
    };
    let Some(caller) = run.metadata.as_ref().and_then(crate::context::caller_traceparent) else {
        return (span, Ok(()));
    };
    let is_recent = age(lease.run_id, kernel.clock().now().timestamp_millis()) < MAX_AGE;
    if lease.generation == 1 && !job.is_poll && is_recent {
        port.set_parent(&span, &caller);
    } else {
        port.add_link(&span, &caller);
    }
    (span, Ok(()))
}

/// Returns the age of a run: its id begins with the time of its creation.
fn age(run_id: RunId, now_ms: i64) -> Duration {
    let created = run_id.as_uuid().get_timestamp().map_or(0, |time| time.to_unix().0);
    let now = u64::try_from(now_ms / 1_000).unwrap_or_default();
    Duration::from_secs(now.saturating_sub(created))
}
