//! The claimant, the heartbeat and the time limit of one invocation.

use std::sync::{Arc, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

use super::Serverless;
use crate::error::Error;
use crate::host::heartbeat::Heartbeat;
use crate::records::Claimant;

/// The state of one invocation.
pub(super) struct Invocation {
    pub(super) claim: Claimant,
    /// Cancelled after the time limit: the invocation claims nothing more, and its bodies stop.
    pub(super) stop: CancellationToken,
    _stop_on_drop: DropGuard,
    _timer: Option<AbortOnDropHandle<()>>,
    _heartbeat: Arc<Heartbeat>,
}

impl Serverless {
    /// Begins an invocation, with the heartbeat of the invocations in progress or a new one.
    pub(super) fn begin(&self) -> Result<Invocation, Error> {
        let stop = CancellationToken::new();
        let timer = self.settings.time_limit.map(|limit| {
            let (kernel, stop) = (Arc::clone(&self.kernel), stop.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                kernel.clock().sleep(limit).await;
                stop.cancel();
            }))
        });
        Ok(Invocation {
            claim: Claimant {
                worker_id: self.settings.worker_id.clone(),
                lease: self.kernel.lease(),
                number: None,
            },
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
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
