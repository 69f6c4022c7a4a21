//! The ledger of one attempt's calls of models.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::Kernel;
use crate::error::{Error, ErrorCode};
use crate::ledger::BatchRows;
use crate::ledger::{BatchNames, CallLedger, CallOutcome, CallReservation, CallStatistics, SettledCall};
use crate::ports::{Change, Commit, Decision, Precondition, Store};
use crate::records::{AiCallRecord, Lease};
use crate::value::limits::truncate;
use crate::value::{CallId, Cost};

/// What an attempt writes in the ledger: intentions at once, each in a commit of its own under the lease; how calls have
/// ended with the next intention, or with the attempt's outcome, whatever that is.
pub(super) struct AttemptCalls {
    store: Arc<dyn Store>,
    lease: Lease,
    /// What the stage declares.
    budget: Option<Cost>,
    stop: CancellationToken,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// What is not committed yet.
    ended: BTreeMap<CallId, CallOutcome>,
    /// The newest call, where it was refused.
    refused: Option<Refused>,
    /// The body has ended: nobody may make a call in its name.
    is_over: bool,
}

/// A call that would have cost more than may be spent.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) error: String,
    pub(super) reserve: Cost,
}

impl AttemptCalls {
    pub(super) fn new(
        kernel: &Kernel,
        lease: &Lease,
        budget: Option<Cost>,
        stop: &CancellationToken,
    ) -> Self {
        let store = Arc::clone(kernel.store());
        Self { store, lease: lease.clone(), budget, stop: stop.clone(), kept: Mutex::default() }
    }

    /// How calls have ended, as far as that is not committed; and the refusal on which the attempt ended, if it did.
    pub(super) fn close(&self) -> (Vec<Change>, Option<Refused>) {
        let mut kept = self.kept();
        kept.is_over = true;
        (self.ends(std::mem::take(&mut kept.ended)), kept.refused.take())
    }

    fn ends(&self, ended: BTreeMap<CallId, CallOutcome>) -> Vec<Change> {
        let end = |(call_id, end)| Change::SettleCall {
            stage_id: self.lease.stage_id.clone(),
            call_id,
            end: Box::new(end),
        };
        ended.into_iter().map(end).collect()
    }

    fn lost(&self) -> Error {
        Error::lease_lost(self.lease.run_id, &self.lease.stage_id)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics under this lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CallLedger for AttemptCalls {
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error> {
        let call = writable(call)?;
        let reserve = call.reserve;
        let ended = {
            let kept = self.kept();
            if kept.is_over {
                return Err(self.lost());
            }
            kept.ended.clone()
        };
        let committed: BTreeSet<CallId> = ended.keys().copied().collect();
        let mut intention = Intention { calls: self, id: CallId::generate(), is_open: true };
        let mut changes = self.ends(ended);
        changes.push(Change::ReserveCall {
            stage_id: self.lease.stage_id.clone(),
            call_id: intention.id,
            call: Box::new(call),
            budget: self.budget,
        });
        let precondition = Precondition::Lease(self.lease.clone());
        let decision =
            Decision { run_id: self.lease.run_id, precondition: precondition, idempotency: None, changes };
        let commit = self.store.commit(decision).await;
        let mut kept = self.kept();
        match commit {
            Ok(Commit::Applied(_)) => {
                intention.is_open = false;
                kept.ended.retain(|id, _| !committed.contains(id));
                kept.refused = None;
                Ok(intention.id)
            }
            Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {
                intention.is_open = false;
                self.stop.cancel();
                Err(self.lost())
            }
            Err(error) => {
                if error.code() == ErrorCode::BudgetExceeded {
                    intention.is_open = false;
                    kept.refused = Some(Refused { error: error.to_string(), reserve });
                }
                // Before the intention is given up, which asks for it again.
                drop(kept);
                Err(error)
            }
        }
    }

    async fn settle(&self, call: CallId, end: CallOutcome) -> Result<(), Error> {
        // What is said first counts, as in the store.
        self.kept().ended.entry(call).or_insert_with(|| cut(end));
        Ok(())
    }

    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.store.call_statistics(topic).await
    }

    /// Whatever the topic: the token belongs to the stage.
    async fn rows_of_batch(&self, _: &str, batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        let mut rows = BatchRows::new(batch);
        let mut after = None;
        loop {
            let page = self.store.calls_of_run(self.lease.run_id, after, PAGE).await?;
            let of_stage = |call: &&AiCallRecord| call.stage_id.as_ref() == Some(&self.lease.stage_id);
            page.iter().filter(of_stage).for_each(|call| rows.add(call));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id),
                _ => return Ok(rows.found()),
            }
        }
    }
}

/// A call whose intention is being written. Whoever does not learn that it is written makes no call; should it be
/// written all the same, nothing stays reserved for it.
struct Intention<'a> {
    calls: &'a AttemptCalls,
    id: CallId,
    is_open: bool,
}

impl Drop for Intention<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let end = CallOutcome::Failed { error: "it was not made".to_owned() };
            self.calls.kept().ended.entry(self.id).or_insert(end);
        }
    }
}

/// How many rows are read at a time.
const PAGE: usize = 1_000;

/// Calls that are made outside of every stage.
struct OutsideCalls(Arc<dyn Store>);

#[async_trait]
impl CallLedger for OutsideCalls {
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error> {
        let id = CallId::generate();
        self.0.reserve_call(id, writable(call)?).await?;
        Ok(id)
    }

    async fn settle(&self, call: CallId, end: CallOutcome) -> Result<(), Error> {
        self.0.settle_call(call, cut(end)).await
    }

    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.0.call_statistics(topic).await
    }

    async fn rows_of_batch(&self, topic: &str, batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        let mut rows = BatchRows::new(batch);
        let mut after = None;
        loop {
            let page = self.0.calls_of_topic(topic, after, PAGE).await?;
            page.iter().filter(|call| call.topic == topic).for_each(|call| rows.add(call));
            match page.last() {
                // In the order of topics, those below come last.
                Some(last) if page.len() == PAGE && last.topic == topic => {
                    after = Some((last.topic.clone(), last.id));
                }
                _ => return Ok(rows.found()),
            }
        }
    }
}

impl Kernel {
    /// The ledger for calls that are made outside of every stage. What they cost belongs to no run, and no budget
    /// counts it.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn CallLedger> {
        Arc::new(OutsideCalls(Arc::clone(self.store())))
    }
}

/// The call as it may be stored.
fn writable(call: CallReservation) -> Result<CallReservation, Error> {
    let topic = &call.topic;
    let is_topic = topic.len() <= Error::MAX_TOPIC_BYTES
        && topic.split('.').all(|segment| !segment.is_empty())
        && !topic.chars().any(char::is_control);
    if !is_topic {
        return Err(Error::invalid_topic(topic));
    }
    let prompt = call.prompt.map(truncate::call_text);
    Ok(CallReservation { prompt, metadata: call.metadata.map(truncate::fields), ..call })
}

/// What became of a call, as it may be stored.
fn cut(end: CallOutcome) -> CallOutcome {
    match end {
        CallOutcome::Settled(settled) => CallOutcome::Settled(SettledCall {
            response: settled.response.map(truncate::call_text),
            metadata: settled.metadata.map(truncate::fields),
            ..settled
        }),
        CallOutcome::Failed { error } => CallOutcome::Failed { error: truncate::error_text(&error) },
        CallOutcome::Unknown { error } => CallOutcome::Unknown { error: truncate::error_text(&error) },
    }
}
