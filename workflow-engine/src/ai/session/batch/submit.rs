//! Handing a batch over.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::prompt::BatchPrompt;
use super::ticket::{BatchTicket, TicketItem};
use super::token::token_of;
use super::{AiBatch, FarSide};
use crate::ai::batch::{BatchItem, BatchProvider, SubmittedBatch};
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::session::AiSession;
use crate::ai::session::errors::{end_of, of_ledger};
use crate::ai::session::open_call::OpenCall;
use crate::ai::session::request::CallSpec;
use crate::ai::session::schema::Expected;
use crate::ledger::{BatchNames, CallLedger, CallOutcome, CallReservation};
use crate::records::CallType;
use crate::value::CallId;

/// How many rows are written at the same time: so many share a transaction at most.
const WRITES: usize = 32;

/// A batch to be handed over, made by [`AiBatch::submit`]; `.await` hands it over.
#[must_use = "nothing is sent until it is awaited"]
pub struct SubmitBatch {
    batch: AiBatch,
    items: Vec<BatchPrompt>,
    token: Option<String>,
    retries: Option<u32>,
}

/// Items that may be sent.
struct Prepared {
    items: Vec<BatchItem>,
    questions: Vec<CallSpec>,
    expected: Vec<Option<Expected>>,
}

impl SubmitBatch {
    pub(super) fn new(batch: &AiBatch, items: Vec<BatchPrompt>) -> Self {
        Self { batch: batch.clone(), items, token: None, retries: None }
    }

    /// A name by which the batch is found again, where the provider has a place for it: handed over a second time under
    /// the same name, it is the first batch that is meant. In a stage there is one already, which is the same for the
    /// same items in every attempt.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How often it is tried again, in the place of the client's
    /// [`max_retries`](crate::ai::AiClientBuilder::max_retries). Where the connection was lost and the provider cannot
    /// say whether it has the batch, it is not.
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    async fn call(mut self) -> Result<BatchTicket, AiError> {
        let helper = self.batch.helper.clone();
        let far = FarSide::new(&helper, &self.batch.choice.key)?;
        let Prepared { items, mut questions, expected } = self.prepare()?;
        let batches = far.batches()?;
        // Under a name that nobody else has, there is nothing to be found.
        let (token, may_exist) = match (self.token.take(), &helper.shared.token) {
            (Some(token), _) => (token, true),
            (None, Some(stage)) => (token_of(stage, &items)?, true),
            (None, None) => (CallId::generate().to_string(), false),
        };
        let found = if may_exist { self.batch.repeat(|| batches.find(&token)).await? } else { None };
        for question in &mut questions {
            question.metadata.insert("batch_token".to_owned(), token.clone().into());
        }
        let known = match &found {
            Some(found) => known_rows(&helper, &token, found).await?,
            None => HashMap::new(),
        };
        let intended = questions.iter().zip(&items);
        let intended: Vec<_> = intended
            .map(|(question, item)| (question.reservation(1), known.get(&item.custom_id).copied()))
            .collect();
        // In their order, for the first error of several is told.
        let writing = intended.into_iter().map(|(call, known)| write_down(helper.ledger(), call, known));
        let mut rows: Vec<OpenCall> = stream::iter(writing).buffered(WRITES).try_collect().await?;
        for row in &mut rows {
            row.mark_sent();
        }
        let submitted = match found {
            Some(found) => found,
            None => match self.send(batches, &token, &items).await {
                Ok(submitted) => submitted,
                Err(NotSubmitted { error, end }) => return Err(end_all(rows, error, &end).await),
            },
        };
        let call_ids = rows.into_iter().map(OpenCall::leave);
        Ok(ticket(self.batch.choice.key, submitted, items, call_ids, expected))
    }

    fn prepare(&mut self) -> Result<Prepared, AiError> {
        check(&self.items)?;
        let mut prepared = Prepared { items: Vec::new(), questions: Vec::new(), expected: Vec::new() };
        for item in std::mem::take(&mut self.items) {
            let (custom_id, expected) = (item.custom_id.clone(), item.expected.clone());
            let schema = expected.as_ref().map(Expected::object_schema);
            let temperature = if schema.is_some() { 0.0 } else { 0.7 };
            let generation = item.generation(&self.batch.helper, &self.batch.choice);
            let ready = generation.ready(CallType::Batch, temperature, schema)?;
            let mut question = ready.question(1)?;
            question.metadata.insert("custom_id".to_owned(), custom_id.clone().into());
            prepared.questions.push(question);
            prepared.items.push(BatchItem { custom_id, request: ready.request });
            prepared.expected.push(expected);
        }
        Ok(prepared)
    }

    async fn send(
        &self,
        batches: &dyn BatchProvider,
        token: &str,
        items: &[BatchItem],
    ) -> Result<SubmittedBatch, NotSubmitted> {
        let helper = &self.batch.helper;
        let client = helper.client()?;
        let mut waits = client.waits(self.retries);
        loop {
            let error = match helper.unless_cancelled(batches.submit(token, items)).await? {
                Ok(submitted) => return Ok(submitted),
                Err(error) => error,
            };
            let may_be_there = matches!(end_of(&error), CallOutcome::Unknown { .. });
            if may_be_there && !batches.finds_by_token() {
                return Err(error.into());
            }
            let lost = end_of(&error);
            let Some(wait) = waits.next(&error) else { return Err(error.into()) };
            // Until the provider says that it has no such batch, it may have one, whatever goes wrong meanwhile.
            let unknown = |error| NotSubmitted { error, end: lost.clone() };
            helper.unless_cancelled(client.clock().sleep(wait)).await.map_err(unknown)?;
            if may_be_there
                && let Some(found) = self.batch.repeat(|| batches.find(token)).await.map_err(unknown)?
            {
                return Ok(found);
            }
        }
    }
}

/// Why it was not handed over, as far as anybody knows, and what that means for its rows.
struct NotSubmitted {
    error: AiError,
    end: CallOutcome,
}

impl From<AiError> for NotSubmitted {
    fn from(error: AiError) -> Self {
        Self { end: end_of(&error), error }
    }
}

/// The rows under which a batch that was found again was handed over, by the ids of their items.
async fn known_rows(
    helper: &AiSession,
    token: &str,
    found: &SubmittedBatch,
) -> Result<HashMap<String, CallId>, AiError> {
    let names = BatchNames { token: token.to_owned(), id: found.id.clone() };
    let rows = helper.ledger().rows_of_batch(helper.topic(), &names).await;
    rows.map(HashMap::from_iter).map_err(|error| of_ledger(&error))
}

/// The row of an item: the one that it has, or a new one.
async fn write_down(
    ledger: &Arc<dyn CallLedger>,
    call: CallReservation,
    known: Option<CallId>,
) -> Result<OpenCall, AiError> {
    match known {
        Some(id) => Ok(OpenCall::again(ledger, id)),
        None => OpenCall::reserve_unsent(ledger, call).await,
    }
}

/// Each of its rows says why it was not handed over.
async fn end_all(rows: Vec<OpenCall>, error: AiError, end: &CallOutcome) -> AiError {
    let endings = rows.into_iter().map(|row| row.end(end.clone()));
    let written: Vec<Result<(), AiError>> = stream::iter(endings).buffered(WRITES).collect().await;
    if written.iter().any(Result::is_err) {
        tracing::warn!("the ends of calls in a batch were not written");
    }
    error
}

fn ticket(
    model: String,
    submitted: SubmittedBatch,
    items: Vec<BatchItem>,
    call_ids: impl Iterator<Item = CallId>,
    expected: Vec<Option<Expected>>,
) -> BatchTicket {
    let mut schemas: Vec<Expected> = Vec::new();
    let mut place = |expected: Expected| {
        schemas.iter().position(|known| *known == expected).unwrap_or_else(|| {
            schemas.push(expected);
            schemas.len() - 1
        })
    };
    let items = items.into_iter().zip(call_ids).zip(expected);
    let items = items.map(|((item, call_id), expected)| TicketItem {
        custom_id: item.custom_id,
        call_id,
        schema: expected.map(&mut place),
    });
    let items = items.collect();
    BatchTicket { model, batch_id: submitted.id, items, schemas }
}

fn check(items: &[BatchPrompt]) -> Result<(), AiError> {
    let fault = |message: String| Err(AiError::new(AiErrorKind::InvalidRequest, message));
    if items.is_empty() {
        return fault("the batch has no items".to_owned());
    }
    let mut ids = BTreeSet::new();
    for id in items.iter().map(|item| item.custom_id.as_str()) {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !(1..=64).contains(&id.len()) || !id.bytes().all(is_plain) {
            let shown: String = id.chars().take(64).collect();
            return fault(format!(
                "`{shown}` is no id of an item: it needs 1 to 64 letters, digits, `_` and `-`"
            ));
        }
        if !ids.insert(id) {
            return fault(format!("two items of the batch have the id `{id}`"));
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
