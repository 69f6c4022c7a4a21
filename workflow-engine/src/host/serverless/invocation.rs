//! One invocation: who claims, what keeps its leases alive, and when it has to be over.

use std::sync::{Arc, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::Serverless;
use crate::error::Error;
use crate::host::heartbeat::Heartbeat;
use crate::records::Claimant;

/// What lasts as long as an invocation.
pub(super) struct Invocation {
    pub(super) claim: Claimant,
    /// Cancelled when the time is over: nothing more is claimed, and bodies are stopped.
    pub(super) over: CancellationToken,
    _over_in_the_end: DropGuard,
    _timer: Option<AbortOnDropHandle<()>>,
    _heartbeat: Arc<Heartbeat>,
}

impl Serverless {
    pub(super) fn begin(&self) -> Result<Invocation, Error> {
        let over = CancellationToken::new();
        let timer = self.settings.time_limit.map(|limit| {
            let (kernel, over) = (Arc::clone(&self.kernel), over.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                kernel.clock().sleep(limit).await;
                over.cancel();
            }))
        });
        Ok(Invocation {
            claim: Claimant { worker_id: self.settings.worker_id.clone(), lease: self.kernel.lease() },
            _over_in_the_end: over.clone().drop_guard(),
            over,
            _timer: timer,
            _heartbeat: self.heartbeat()?,
        })
    }

    fn heartbeat(&self) -> Result<Arc<Heartbeat>, Error> {
        let mut running = self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heartbeat) = running.upgrade() {
            return Ok(heartbeat);
        }
        let heartbeat = Arc::new(Heartbeat::start(Arc::clone(&self.kernel))?);
        *running = Arc::downgrade(&heartbeat);
        Ok(heartbeat)
    }
}
