//! The outbox: events on their way to the sink.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::Error;
use crate::id::RunId;
use crate::records::{Claim, Event};

/// Events that were committed and not yet delivered.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Whether somebody will deliver events. Where nobody does, they are stored as delivered, so that what waits for
    /// delivery does not grow for ever. Default: nobody.
    fn deliver_events(&self, deliver: bool);

    /// Takes or extends the flusher's lease, and answers undelivered events, in order within each run, at most
    /// `limit`. Empty while another flusher holds the lease. Runs whose first undelivered event waits for its
    /// retry are left out, so a run that fails again and again starves nobody.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn undelivered(&self, flusher: &Claim, limit: usize) -> Result<Vec<Event>, Error>;

    /// Notes that these events, by run and sequence number, were delivered.
    async fn mark_delivered(&self, events: Vec<(RunId, u64)>) -> Result<(), Error>;

    /// Notes that this event was refused; it is offered again after `delay`.
    async fn mark_refused(&self, run_id: RunId, sequence: u64, delay: Duration) -> Result<(), Error>;
}
