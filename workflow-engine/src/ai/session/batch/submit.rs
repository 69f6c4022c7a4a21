//! The submission of a batch.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::prompt::BatchPrompt;
use super::ticket::{BatchTicket, TicketItem, stage_batch_token};
use super::{AiBatch, BatchTarget};
use crate::ai::batch::{BatchItem, BatchProvider, SubmittedBatch};
use crate::ai::session::AiSession;
use crate::ai::session::request::{CallSpec, ReservedCall, ledger_error, outcome_of};
use crate::ai::session::schema::ExpectedSchema;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::{BatchNames, CallLedger, CallOutcome, CallReservation};
use crate::records::CallType;
use crate::value::CallId;

/// The number of rows that are written concurrently, so that they can share a transaction.
const CONCURRENT_WRITES: usize = 32;

/// The submission of a batch, built by [`AiBatch::submit`]. `.await` sends it and returns a [`BatchTicket`].
#[must_use = "nothing is sent until it is awaited"]
pub struct SubmitBatch {
    batch: AiBatch,
    items: Vec<BatchPrompt>,
    token: Option<String>,
    retries: Option<u32>,
}

/// The checked items of a batch, with their rows and schemas in the same order.
struct PreparedBatch {
    items: Vec<BatchItem>,
    specs: Vec<CallSpec>,
    schemas: Vec<Option<ExpectedSchema>>,
}

impl SubmitBatch {
    pub(super) fn new(batch: &AiBatch, items: Vec<BatchPrompt>) -> Self {
        Self { batch: batch.clone(), items, token: None, retries: None }
    }

    /// Sets the token that makes the submission idempotent, at providers that store a token with a batch: a second
    /// submission with the same token returns the first batch. In a stage there is a default token, which is equal in
    /// all attempts that submit the same items.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Sets the number of retries, instead of the client's
    /// [`max_retries`](crate::ai::AiClientBuilder::max_retries). A submission that may have reached the provider is
    /// not retried if the provider cannot find batches by token.
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    async fn call(mut self) -> Result<BatchTicket, AiError> {
        let session = self.batch.session.clone();
        let target = BatchTarget::new(&session, &self.batch.choice.key)?;
        let PreparedBatch { items, mut specs, schemas } = self.prepare()?;
        let provider = target.provider()?;
        // A generated token is unique, so no batch can exist under it.
        let (token, may_exist) = match (self.token.take(), &session.shared.token) {
            (Some(token), _) => (token, true),
            (None, Some(stage_token)) => (stage_batch_token(stage_token, &items)?, true),
            (None, None) => (CallId::generate().to_string(), false),
        };
        let found = if may_exist { self.batch.with_retries(|| provider.find(&token)).await? } else { None };
        for spec in &mut specs {
            spec.metadata.insert("batch_token".to_owned(), token.clone().into());
        }
        let existing = match &found {
            Some(found) => existing_rows(&session, &token, found).await?,
            None => HashMap::new(),
        };
        let reservations: Vec<_> = specs
            .iter()
            .zip(&items)
            .map(|(spec, item)| (spec.reservation(1), existing.get(&item.custom_id).copied()))
            .collect();
        // In order, so that the error of the first item that fails is returned.
        let writes = reservations.into_iter().map(|(call, id)| reserve(session.ledger(), call, id));
        let mut rows: Vec<ReservedCall> =
            stream::iter(writes).buffered(CONCURRENT_WRITES).try_collect().await?;
        for row in &mut rows {
            row.mark_sent();
        }
        let submitted = match found {
            Some(found) => found,
            None => match self.send(provider, &token, &items).await {
                Ok(submitted) => submitted,
                Err(NotSubmitted { error, outcome }) => return Err(settle_all(rows, error, &outcome).await),
            },
        };
        let call_ids = rows.into_iter().map(ReservedCall::leave_reserved);
        Ok(ticket(self.batch.choice.key, submitted, items, call_ids, schemas))
    }

    fn prepare(&mut self) -> Result<PreparedBatch, AiError> {
        check(&self.items)?;
        let mut prepared = PreparedBatch { items: Vec::new(), specs: Vec::new(), schemas: Vec::new() };
        for item in std::mem::take(&mut self.items) {
            let (custom_id, expected) = (item.custom_id.clone(), item.expected.clone());
            let schema = expected.as_ref().map(ExpectedSchema::object_schema);
            let generation = item.generation(&self.batch.session, &self.batch.choice);
            let generation = generation.prepare(CallType::Batch, schema)?;
            let mut spec = generation.call_spec(1)?;
            spec.metadata.insert("custom_id".to_owned(), custom_id.clone().into());
            prepared.specs.push(spec);
            prepared.items.push(BatchItem { custom_id, request: generation.request });
            prepared.schemas.push(expected);
        }
        Ok(prepared)
    }

    async fn send(
        &self,
        provider: &dyn BatchProvider,
        token: &str,
        items: &[BatchItem],
    ) -> Result<SubmittedBatch, NotSubmitted> {
        let session = &self.batch.session;
        let client = session.client()?;
        let mut delays = client.retry_delays(self.retries);
        loop {
            let error = match session.unless_cancelled(provider.submit(token, items)).await? {
                Ok(submitted) => return Ok(submitted),
                Err(error) => error,
            };
            let outcome = outcome_of(&error);
            let may_exist = matches!(outcome, CallOutcome::Unknown { .. });
            if may_exist && !provider.finds_by_token() {
                return Err(error.into());
            }
            let Some(delay) = delays.next_after(&error) else { return Err(error.into()) };
            // Until the provider confirms that the batch does not exist, any later error leaves this outcome.
            let not_submitted = |error| NotSubmitted { error, outcome: outcome.clone() };
            session.unless_cancelled(client.clock().sleep(delay)).await.map_err(not_submitted)?;
            if may_exist
                && let Some(found) =
                    self.batch.with_retries(|| provider.find(token)).await.map_err(not_submitted)?
            {
                return Ok(found);
            }
        }
    }
}

/// The error of a failed submission, and the outcome of its rows.
struct NotSubmitted {
    error: AiError,
    outcome: CallOutcome,
}

impl From<AiError> for NotSubmitted {
    fn from(error: AiError) -> Self {
        Self { outcome: outcome_of(&error), error }
    }
}

/// Returns the rows under which a batch that was found again was submitted, by custom id.
async fn existing_rows(
    session: &AiSession,
    token: &str,
    found: &SubmittedBatch,
) -> Result<HashMap<String, CallId>, AiError> {
    let names = BatchNames { token: token.to_owned(), id: found.id.clone() };
    let rows = session.ledger().rows_of_batch(session.topic(), &names).await;
    rows.map(HashMap::from_iter).map_err(|error| ledger_error(&error))
}

/// Returns the item's existing row, or reserves a new one.
async fn reserve(
    ledger: &Arc<dyn CallLedger>,
    call: CallReservation,
    existing: Option<CallId>,
) -> Result<ReservedCall, AiError> {
    match existing {
        Some(id) => Ok(ReservedCall::existing(ledger, id, call.model_key)),
        None => ReservedCall::reserve_unsent(ledger, call).await,
    }
}

/// Settles all rows of a batch that was not submitted, and returns the error.
async fn settle_all(rows: Vec<ReservedCall>, error: AiError, outcome: &CallOutcome) -> AiError {
    let settlements = rows.into_iter().map(|row| row.settle(outcome.clone()));
    let results: Vec<Result<(), AiError>> =
        stream::iter(settlements).buffered(CONCURRENT_WRITES).collect().await;
    if results.iter().any(Result::is_err) {
        tracing::warn!("the outcomes of the calls in a batch were not recorded");
    }
    error
}

fn ticket(
    model: String,
    submitted: SubmittedBatch,
    items: Vec<BatchItem>,
    call_ids: impl Iterator<Item = CallId>,
    expected: Vec<Option<ExpectedSchema>>,
) -> BatchTicket {
    let mut schemas: Vec<ExpectedSchema> = Vec::new();
    let mut index_of = |expected: ExpectedSchema| {
        schemas.iter().position(|schema| *schema == expected).unwrap_or_else(|| {
            schemas.push(expected);
            schemas.len() - 1
        })
    };
    let items = items.into_iter().zip(call_ids).zip(expected);
    let items = items.map(|((item, call_id), expected)| TicketItem {
        custom_id: item.custom_id,
        call_id,
        schema: expected.map(&mut index_of),
    });
    let items = items.collect();
    BatchTicket { model, batch_id: submitted.id, items, schemas }
}

fn check(items: &[BatchPrompt]) -> Result<(), AiError> {
    let refuse = |message: String| Err(AiError::new(AiErrorKind::InvalidRequest, message));
    if items.is_empty() {
        return refuse("the batch has no items".to_owned());
    }
    let mut ids = BTreeSet::new();
    for id in items.iter().map(|item| item.custom_id.as_str()) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=64).contains(&id.len()) || !id.bytes().all(is_plain) {
            let shown: String = id.chars().take(64).collect();
            return refuse(format!(
                "`{shown}` is not a valid custom id: use 1 to 64 letters, digits, `_` and `-`"
            ));
        }
        if !ids.insert(id) {
            return refuse(format!("two items of the batch have the custom id `{id}`"));
        }
    }
    Ok(())
}

impl IntoFuture for SubmitBatch {
    type Output = Result<BatchTicket, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.call().boxed()
    }
}

impl fmt::Debug for SubmitBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitBatch")
            .field("model", &self.batch.choice.key)
            .field("items", &self.items.len())
            .finish_non_exhaustive()
    }
}
