//! A call that is written down, and whose end is not.

use std::sync::Arc;

use super::ending::Ending;
use super::errors::of_ledger;
use crate::ai::error::AiError;
use crate::ledger::{CallLedger, CallOutcome, CallReservation};
use crate::value::CallId;

/// A call between its two writes. Dropped, it ends as unknown, or as failed where it has not been sent.
pub(super) struct OpenCall {
    ledger: Arc<dyn CallLedger>,
    id: CallId,
    was_sent: bool,
    is_ended: bool,
}

impl OpenCall {
    /// Writes that a call is about to be made. It may be made when this returns, and counts as made.
    pub(super) async fn reserve(
        ledger: &Arc<dyn CallLedger>,
        call: CallReservation,
    ) -> Result<Self, AiError> {
        let id = ledger.reserve(call).await.map_err(|error| of_ledger(&error))?;
        Ok(Self { ledger: Arc::clone(ledger), id, was_sent: true, is_ended: false })
    }

    /// The same, of a call that waits for others before it is sent.
    pub(super) async fn reserve_unsent(
        ledger: &Arc<dyn CallLedger>,
        call: CallReservation,
    ) -> Result<Self, AiError> {
        let mut call = Self::reserve(ledger, call).await?;
        call.was_sent = false;
        Ok(call)
    }

    /// One that is written down already, by whoever has made it.
    pub(super) fn again(ledger: &Arc<dyn CallLedger>, id: CallId) -> Self {
        Self { ledger: Arc::clone(ledger), id, was_sent: true, is_ended: false }
    }

    /// From here on it counts as made.
    pub(super) fn mark_sent(&mut self) {
        self.was_sent = true;
    }

    /// Writes what became of it.
    pub(super) fn end(mut self, end: CallOutcome) -> Ending {
        self.is_ended = true;
        Ending::new(Arc::clone(&self.ledger), self.id, end)
    }

    /// Leaves it open for whoever knows its id.
    pub(super) fn leave(mut self) -> CallId {
        self.is_ended = true;
        self.id
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.is_ended {
            let end = if self.was_sent {
                CallOutcome::Unknown { error: "given up before its answer was there".to_owned() }
            } else {
                CallOutcome::Failed { error: "it was not sent".to_owned() }
            };
            drop(Ending::new(Arc::clone(&self.ledger), self.id, end));
        }
    }
}
