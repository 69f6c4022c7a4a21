//! The path of a request: reserve, send, settle, retry. Each attempt is a row of the ledger.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tracing::{Instrument, Span};

use super::AiSession;
use crate::ai::models::ModelRegistry;
use crate::error::{Error, ErrorCode};
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::ledger::{CallLedger, CallOutcome, CallReservation, SettledCall};
use crate::records::CallType;
use crate::telemetry::spans;
use crate::value::{CallId, Cost, Json};

/// A call, as the ledger describes it before it is sent.
pub(super) struct CallSpec {
    pub(super) topic: String,
    pub(super) call_type: CallType,
    pub(super) model_key: String,
    pub(super) model_id: String,
    pub(super) prompt: Option<String>,
    pub(super) metadata: Map<String, Value>,
    pub(super) max_cost: Cost,
    pub(super) retries: Option<u32>,
}

/// The response to a call, with its row of the ledger that is still to be settled.
pub(super) struct CallResult<T> {
    pub(super) response: T,
    pub(super) call: ReservedCall,
    /// The metadata of the [`CallSpec`], with the number of the attempt and its duration.
    pub(super) metadata: Map<String, Value>,
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
            reserve: self.max_cost,
        }
    }
}

impl CallSpec {
    /// Returns the span of an attempt of the call.
    fn span(&self, models: &ModelRegistry, attempt: u32) -> Span {
        let operation = if self.call_type == CallType::Embed { "embeddings" } else { "chat" };
        let provider = models.get(&self.model_key).map_or("", |model| model.provider.as_str());
        spans::call(operation, provider, &self.model_id, attempt)
    }
}

impl AiSession {
    /// Reserves the call, sends the request, and retries transient failures. If the future is dropped or the session is
    /// cancelled, the outcome of the attempt in progress is unknown.
    pub(super) async fn send<'a, T>(
        &self,
        spec: &CallSpec,
        request: impl Fn() -> BoxFuture<'a, Result<T, AiError>> + Send,
    ) -> Result<CallResult<T>, AiError> {
        let client = self.client()?;
        let mut delays = client.retry_delays(spec.retries);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.ensure_active()?;
            let mut call = ReservedCall::reserve(self.ledger(), spec.reservation(attempt)).await?;
            call.span = spec.span(client.models(), attempt);
            let began = client.clock().now();
            let sent = request().instrument(call.span.clone());
            let error = match self.unless_cancelled(sent).await.and_then(|result| result) {
                Ok(response) => {
                    let duration = (client.clock().now() - began).num_milliseconds();
                    let mut metadata = spec.metadata.clone();
                    metadata.insert("attempt".to_owned(), attempt.into());
                    metadata.insert("duration_ms".to_owned(), duration.into());
                    return Ok(CallResult { response, call, metadata });
                }
                Err(error) => error,
            };
            if let Err(unrecorded) = call.settle(outcome_of(&error)).await {
                // The caller gets the error of the call, which is the cause. The row stays reserved.
                tracing::warn!(
                    topic = spec.topic, kind = ?unrecorded.kind(), "the outcome of a model call was not recorded"
                );
            }
            let Some(delay) = delays.next_after(&error) else { return Err(error) };
            tracing::debug!(
                topic = spec.topic, model = spec.model_key, kind = ?error.kind(), attempt, ?delay,
                "retrying a model call"
            );
            self.unless_cancelled(client.clock().sleep(delay)).await?;
        }
    }

    /// Fails if the session is cancelled.
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

    pub(super) fn ledger(&self) -> &Arc<dyn CallLedger> {
        &self.shared.ledger
    }
}

/// A row of the ledger that is reserved and not yet settled.
///
/// If it is dropped, it is settled as unknown, or as failed if it was not sent.
pub(super) struct ReservedCall {
    ledger: Arc<dyn CallLedger>,
    id: CallId,
    /// The key of the model; `None` for a call of a tool.
    model_key: Option<String>,
    span: Span,
    is_sent: bool,
    is_settled: bool,
}

impl ReservedCall {
    /// Reserves a call that is sent as soon as this returns, and that counts as sent from then on.
    pub(super) async fn reserve(
        ledger: &Arc<dyn CallLedger>,
        call: CallReservation,
    ) -> Result<Self, AiError> {
        let model_key = (call.call_type != CallType::Tool).then(|| call.model_key.clone());
        let id = ledger.reserve(call).await.map_err(|error| ledger_error(&error))?;
        let span = Span::none();
        Ok(Self { ledger: Arc::clone(ledger), id, model_key, span, is_sent: true, is_settled: false })
    }

    /// Reserves a call that waits for other reservations before it is sent.
    pub(super) async fn reserve_unsent(
        ledger: &Arc<dyn CallLedger>,
        call: CallReservation,
    ) -> Result<Self, AiError> {
        let mut call = Self::reserve(ledger, call).await?;
        call.is_sent = false;
        Ok(call)
    }

    /// Returns a call that an earlier attempt reserved and sent.
    pub(super) fn existing(ledger: &Arc<dyn CallLedger>, id: CallId, model_key: String) -> Self {
        let (model_key, span) = (Some(model_key), Span::none());
        Self { ledger: Arc::clone(ledger), id, model_key, span, is_sent: true, is_settled: false }
    }

    pub(super) fn mark_sent(&mut self) {
        self.is_sent = true;
    }

    pub(super) fn settle(mut self, outcome: CallOutcome) -> Settlement {
        self.is_settled = true;
        self.settlement(outcome)
    }

    fn settlement(&self, outcome: CallOutcome) -> Settlement {
        spans::call_ended(&self.span, outcome.end());
        Settlement::new(Arc::clone(&self.ledger), self.model_key.as_deref(), self.id, outcome)
    }

    /// Leaves the call reserved. The caller settles it later by its id.
    pub(super) fn leave_reserved(mut self) -> CallId {
        self.is_settled = true;
        self.id
    }
}

impl Drop for ReservedCall {
    fn drop(&mut self) {
        if !self.is_settled {
            let outcome = if self.is_sent {
                CallOutcome::Unknown { error: "abandoned before its response arrived".to_owned() }
            } else {
                CallOutcome::Failed { error: "the call was not sent".to_owned() }
            };
            drop(self.settlement(outcome));
        }
    }
}

/// A write to the ledger that settles a call.
///
/// If it is dropped before it completes, it continues in the background: a write that has begun must be neither
/// repeated nor abandoned.
#[must_use = "nothing is written until it is awaited or dropped"]
pub(super) struct Settlement(Option<BoxFuture<'static, Result<(), Error>>>);

impl Settlement {
    /// Settles a call of the model with this key, or of a tool.
    pub(super) fn new(
        ledger: Arc<dyn CallLedger>,
        model_key: Option<&str>,
        call: CallId,
        outcome: CallOutcome,
    ) -> Self {
        if let Some(model_key) = model_key {
            ledger.count(model_key, &outcome);
        }
        Self(Some(async move { ledger.settle(call, outcome).await }.boxed()))
    }
}

impl Future for Settlement {
    type Output = Result<(), AiError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(write) = &mut self.0 else { return Poll::Ready(Ok(())) };
        let Poll::Ready(result) = write.poll_unpin(context) else { return Poll::Pending };
        self.0 = None;
        Poll::Ready(result.map_err(|error| ledger_error(&error)))
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        let Some(mut write) = self.0.take() else { return };
        // In a stage the ledger buffers outcomes in memory, so one poll completes the write.
        if (&mut write).now_or_never().is_some() {
            return;
        }
        // Without a runtime the write cannot continue: the call stays reserved, with its maximum cost.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = write.await {
                    tracing::warn!(
                        code = error.code().as_str(),
                        "the outcome of a model call was not recorded"
                    );
                }
            });
        }
    }
}

/// Returns the outcome of a call that the provider served.
pub(super) fn settled(
    response: Option<String>,
    usage: Usage,
    cost: Cost,
    metadata: Map<String, Value>,
) -> CallOutcome {
    CallOutcome::Settled(SettledCall {
        response,
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        output_tokens: usage.output_tokens,
        cost,
        metadata: json(metadata),
    })
}

/// Returns the outcome of a call that failed with this error.
///
/// The call was free if the provider refused it before serving it: the statuses 400 to 499, and the two above 499 that
/// mean "not now" (503, 529). Any other failure may have been served and charged: a cut connection, a timeout, a
/// malformed response, the statuses 500, 502 and 504, and a refusal that is part of a response.
pub(super) fn outcome_of(error: &AiError) -> CallOutcome {
    use AiErrorKind::{
        Authentication, BudgetExceeded, ContextTooLong, InvalidRequest, Ledger, NotFound, RateLimited,
        Unsupported,
    };
    let is_free = match error.status() {
        Some(status) => matches!(status, 400..=499 | 503 | 529),
        None => matches!(
            error.kind(),
            Authentication
                | BudgetExceeded
                | ContextTooLong
                | InvalidRequest
                | Ledger
                | NotFound
                | RateLimited
                | Unsupported
        ),
    };
    let error = error.to_string();
    if is_free { CallOutcome::Failed { error } } else { CallOutcome::Unknown { error } }
}

/// Converts an error of the ledger, which prevented a call or the record of its outcome.
pub(super) fn ledger_error(error: &Error) -> AiError {
    match error.code() {
        ErrorCode::BudgetExceeded => AiError::new(AiErrorKind::BudgetExceeded, error.to_string()),
        ErrorCode::LeaseLost => AiError::new(AiErrorKind::Cancelled, error.to_string()),
        _ if error.is_invalid_input() => AiError::new(AiErrorKind::InvalidRequest, error.to_string()),
        _ => AiError::new(AiErrorKind::Ledger, format!("the ledger of calls cannot be written: {error}")),
    }
}

pub(super) fn cancelled() -> AiError {
    AiError::new(AiErrorKind::Cancelled, "the call was cancelled: its stage was cancelled, or lost its lease")
}

/// Returns metadata in the form that the ledger stores.
fn json(metadata: Map<String, Value>) -> Option<Json> {
    // A map of values is always JSON.
    Json::encode(&Value::Object(metadata)).ok()
}
