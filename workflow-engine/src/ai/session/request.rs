//! One question to a provider, with its repetitions: each of them a row of the ledger.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::AiSession;
use super::errors::end_of;
use super::open_call::OpenCall;
use crate::ai::error::{AiError, AiErrorKind};
use crate::ledger::CallReservation;
use crate::records::CallType;
use crate::value::{Cost, Json};

/// What the ledger is told of a question.
pub(super) struct CallSpec {
    pub(super) topic: String,
    pub(super) call_type: CallType,
    pub(super) model_key: String,
    pub(super) model_id: String,
    pub(super) prompt: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) reserve: Cost,
    pub(super) retries: Option<u32>,
}

impl CallSpec {
    pub(super) fn reservation(&self, attempt: u32) -> CallReservation {
        let mut metadata = self.metadata.clone();
        metadata.insert("attempt".to_owned(), attempt.into());
        CallReservation {
            topic: self.topic.clone(),
            call_type: self.call_type,
            model_key: self.model_key.clone(),
            model_id: self.model_id.clone(),
            prompt: self.prompt.clone(),
            metadata: json(metadata),
            reserve: self.reserve,
        }
    }
}

/// An answer, with the row of the ledger that waits for its end.
pub(super) struct CallResult<T> {
    pub(super) value: T,
    pub(super) call: OpenCall,
    /// The question's metadata, with the number of the try and how long it took.
    pub(super) metadata: Map<String, Value>,
}

impl AiSession {
    /// Asks, and repeats what may pass. Dropped or cancelled in between, the row of the try that is under way is unknown.
    pub(super) async fn ask<'a, T>(
        &self,
        question: &CallSpec,
        send: impl Fn() -> BoxFuture<'a, Result<T, AiError>> + Send,
    ) -> Result<CallResult<T>, AiError> {
        let client = self.client()?;
        let mut waits = client.waits(question.retries);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.ensure_active()?;
            let call = OpenCall::reserve(&self.shared.ledger, question.reservation(attempt)).await?;
            let began = client.clock().now();
            let error = match self.unless_cancelled(send()).await.and_then(|answer| answer) {
                Ok(value) => {
                    let took = (client.clock().now() - began).num_milliseconds();
                    let mut metadata = question.metadata.clone();
                    metadata.insert("attempt".to_owned(), attempt.into());
                    metadata.insert("duration_ms".to_owned(), took.into());
                    return Ok(CallResult { value, call, metadata });
                }
                Err(error) => error,
            };
            if let Err(fault) = call.end(end_of(&error)).await {
                // Why the call failed says more than that this was not written; its row stays intended.
                tracing::warn!(topic = question.topic, kind = ?fault.kind(), "the end of a model's call was not written");
            }
            let Some(wait) = waits.next(&error) else { return Err(error) };
            tracing::debug!(
                topic = question.topic, model = question.model_key, kind = ?error.kind(), attempt, ?wait,
                "a model's call is repeated"
            );
            self.unless_cancelled(client.clock().sleep(wait)).await?;
        }
    }

    /// Whether it may go on.
    pub(super) fn ensure_active(&self) -> Result<(), AiError> {
        if self.shared.cancellation.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }

    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, AiError> {
        tokio::select! {
            biased;
            () = self.shared.cancellation.cancelled() => Err(cancelled()),
            done = work => Ok(done),
        }
    }

    /// The ledger, for those who keep a call open.
    pub(super) fn ledger(&self) -> &Arc<dyn crate::ledger::CallLedger> {
        &self.shared.ledger
    }
}

pub(super) fn cancelled() -> AiError {
    AiError::new(
        AiErrorKind::Cancelled,
        "the call was stopped: its stage was cancelled, or has lost its lease",
    )
}

/// Metadata as the ledger takes it.
pub(super) fn json(metadata: Map<String, Value>) -> Option<Json> {
    // A map of values is always JSON.
    Json::encode(&Value::Object(metadata)).ok()
}
