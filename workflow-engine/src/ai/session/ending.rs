//! Writing to the ledger what became of a call, whoever stops waiting for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::errors::of_ledger;
use crate::ai::error::AiError;
use crate::error::Error;
use crate::ledger::{CallLedger, CallOutcome};
use crate::value::CallId;

/// The end of a call on its way to the ledger. Dropped before it is there, it goes on by itself: an end that is half
/// written must not be written again, nor be left out.
#[must_use = "nothing is written until it is awaited or dropped"]
pub(super) struct Ending(Option<BoxFuture<'static, Result<(), Error>>>);

impl Ending {
    pub(super) fn new(ledger: Arc<dyn CallLedger>, call: CallId, end: CallOutcome) -> Self {
        Self(Some(async move { ledger.settle(call, end).await }.boxed()))
    }
}

impl Future for Ending {
    type Output = Result<(), AiError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(writing) = &mut self.0 else { return Poll::Ready(Ok(())) };
        let Poll::Ready(written) = writing.poll_unpin(context) else { return Poll::Pending };
        self.0 = None;
        Poll::Ready(written.map_err(|error| of_ledger(&error)))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(mut writing) = self.0.take() else { return };
        // In a stage this is in memory, and done at once.
        if (&mut writing).now_or_never().is_some() {
            return;
        }
        // Without a runtime there is nobody to write it: the call stays intended, with all that it reserves.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = writing.await {
                    tracing::warn!(code = error.code().as_str(), "the end of a model's call was not written");
                }
            });
        }
    }
}
