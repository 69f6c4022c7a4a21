//! The ledger of one attempt's calls of models.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::execution_key;
use super::port_retry::BodyPorts;
use crate::error::{Error, ErrorCode};
use crate::kernel::ledger::{PAGE, count_call, storable_outcome, storable_reservation};
use crate::ledger::BatchRows;
use crate::ledger::{BatchNames, CallLedger, CallOutcome, CallReservation, CallStatistics};
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::AiCallRecord;
use crate::telemetry::Meters;
use crate::value::{CallId, Cost};
use async_trait::async_trait;

/// Reserves and settles the calls of one attempt.
///
/// A call is reserved before it is made, with its highest possible cost, in its own commit under the lease. Outcomes of
/// calls are committed with the attempt's next reservation, or with its outcome, whether it succeeds or fails. So they
/// are not effects, which a failed attempt would drop: money that is spent stays spent.
pub(super) struct AttemptLedger {
    ports: Arc<BodyPorts>,
    /// The budget that the stage declares.
    budget: Option<Cost>,
    meters: Arc<Meters>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Outcomes that are not committed yet.
    settled: BTreeMap<CallId, CallOutcome>,
    /// The newest call, where its budget refused it.
    refused: Option<RefusedCall>,
    /// The body has ended, so no call may be made in its name.
    is_closed: bool,
}

/// A call that would have exceeded a budget.
#[derive(Clone, Debug)]
pub(super) struct RefusedCall {
    pub(super) error: String,
    pub(super) reserve: Cost,
}

impl AttemptLedger {
    pub(super) fn new(ports: Arc<BodyPorts>, budget: Option<Cost>, meters: Arc<Meters>) -> Self {
        Self { ports, budget, meters, state: Mutex::default() }
    }

    /// Closes the ledger when the body has ended. Returns the outcomes that are not committed, and the newest call where
    /// its budget refused it.
    pub(super) fn close(&self) -> (Vec<Change>, Option<RefusedCall>) {
        let mut state = self.state();
        state.is_closed = true;
        (self.settlements(std::mem::take(&mut state.settled)), state.refused.take())
    }

    fn settlements(&self, settled: BTreeMap<CallId, CallOutcome>) -> Vec<Change> {
        let settle = |(call_id, outcome)| Change::SettleCall {
            stage_key: self.ports.lease().stage_key.clone(),
            call_id,
            end: Box::new(outcome),
        };
        settled.into_iter().map(settle).collect()
    }

    fn lease_lost(&self) -> Error {
        let lease = self.ports.lease();
        Error::lease_lost(lease.run_id, &lease.stage_key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CallLedger for AttemptLedger {
    async fn reserve(&self, call: CallReservation) -> Result<CallId, Error> {
        let call = storable_reservation(call)?;
        let reserve = call.reserve;
        let settled = {
            let state = self.state();
            if state.is_closed {
                return Err(self.lease_lost());
            }
            state.settled.clone()
        };
        let committed: BTreeSet<CallId> = settled.keys().copied().collect();
        let mut reservation = PendingReservation { ledger: self, id: CallId::generate(), is_open: true };
        let mut changes = self.settlements(settled);
        let lease = self.ports.lease();
        changes.push(Change::ReserveCall {
            stage_key: lease.stage_key.clone(),
            call_id: reservation.id,
            call: Box::new(call),
            budget: self.budget,
        });
        let precondition = Precondition::Lease(lease.clone());
        let decision = Decision {
            run_id: lease.run_id,
            command: execution_key::COMMAND,
            precondition,
            idempotency: None,
            changes,
        };
        // A repetition reserves nothing twice: the call keeps its id.
        let commit = self.ports.call(|| self.ports.store.commit(decision.clone())).await;
        let mut state = self.state();
        match commit {
            Ok(Commit::Applied(_)) => {
                reservation.is_open = false;
                state.settled.retain(|id, _| !committed.contains(id));
                state.refused = None;
                Ok(reservation.id)
            }
            Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {
                reservation.is_open = false;
                self.ports.stop.cancel();
                Err(self.lease_lost())
            }
            Err(error) => {
                if error.code() == ErrorCode::BudgetExceeded {
                    reservation.is_open = false;
                    state.refused = Some(RefusedCall { error: error.to_string(), reserve });
                }
                // Dropping the reservation takes this lock again.
                drop(state);
                Err(error)
            }
        }
    }

    async fn settle(&self, call: CallId, outcome: CallOutcome) -> Result<(), Error> {
        let mut state = self.state();
        // The call stays unknown, with its reservation: the ledger of an attempt that has ended commits nothing more.
        if state.is_closed {
            return Err(self.lease_lost());
        }
        // The first outcome counts, as in the store.
        state.settled.entry(call).or_insert_with(|| storable_outcome(outcome));
        drop(state);
        self.meters.models.settled();
        Ok(())
    }

    fn count(&self, model_key: &str, outcome: &CallOutcome) {
        count_call(&self.meters, model_key, outcome);
    }

    async fn statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.ports.call(|| self.ports.store.call_statistics(topic)).await
    }

    /// Ignores the topic, because the token belongs to the stage.
    async fn rows_of_batch(&self, _: &str, batch: &BatchNames) -> Result<Vec<(String, CallId)>, Error> {
        let (mut rows, lease) = (BatchRows::new(batch), self.ports.lease());
        let mut after = None;
        loop {
            let read = || self.ports.store.calls_of_run(lease.run_id, after, PAGE);
            let page = self.ports.call(read).await?;
            let of_stage = |call: &&AiCallRecord| call.stage_key().as_ref() == Some(&lease.stage_key);
            page.iter().filter(of_stage).for_each(|call| rows.add(call));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id),
                _ => return Ok(rows.found()),
            }
        }
    }
}

/// A reservation that is being committed. A caller that does not learn that it is committed makes no call; if it is
/// committed nevertheless, dropping this settles it, so that no cost stays reserved.
struct PendingReservation<'a> {
    ledger: &'a AttemptLedger,
    id: CallId,
    is_open: bool,
}

impl Drop for PendingReservation<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let outcome = CallOutcome::Failed { error: "it was not made".to_owned() };
            self.ledger.state().settled.entry(self.id).or_insert(outcome);
        }
    }
}
