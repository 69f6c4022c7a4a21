//! The store in memory as a ledger.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use super::side_tables::SideTables;
use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics, CallSums};
use crate::ports::Ledger;
use crate::records::{AiCallRecord, CallStatus};
use crate::stores::calls::{CallRow, LOST_CALL, ReservedRow, SettledRow, VoidedCalls, covers};
use crate::stores::instant;
use crate::value::{CallId, RunId};

impl SideTables {
    /// Returns the row of a call.
    pub(super) fn call(&self, id: CallId) -> Option<CallRow> {
        let call = self.calls.get(&id)?;
        let AiCallRecord { run_id, outcome, reserved, .. } = *call;
        let stage_key = call.stage_key();
        Some(CallRow { run_id, stage_key, outcome, reserved })
    }

    /// Stores the calls that a transaction has written.
    pub(super) fn write_calls(
        &mut self,
        reserved: Vec<ReservedRow>,
        settled: Vec<SettledRow>,
        voided: Vec<VoidedCalls>,
    ) {
        self.calls.extend(reserved.into_iter().map(|row| (row.record.id, row.record)));
        for row in settled {
            if let Some(record) = self.calls.get_mut(&row.id) {
                row.apply_to(record);
            }
        }
        for VoidedCalls { run_id, stage_key, at } in voided {
            let of_stage = self.calls.values_mut().filter(|call| {
                call.run_id == Some(run_id)
                    && call.stage_id.as_deref().is_some_and(|id| stage_key.is(id, &call.place))
            });
            for record in of_stage {
                SettledRow::new(record.id, CallOutcome::Unknown { error: LOST_CALL.to_owned() }, at)
                    .apply_to(record);
            }
        }
    }

    fn of_topic<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a AiCallRecord> {
        self.calls.values().filter(move |call| covers(topic, &call.topic))
    }
}

#[async_trait]
impl Ledger for MemoryStore {
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let state = self.open("read the calls of a run")?;
        let later = state.side_tables.calls.values().filter(|call| after.is_none_or(|after| call.id > after));
        Ok(later.filter(|call| call.run_id == Some(run_id)).take(limit).cloned().collect())
    }

    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let state = self.open("read the calls of a topic")?;
        let place = |call: &AiCallRecord| (call.topic.clone(), call.id);
        let is_later = |call: &&AiCallRecord| after.as_ref().is_none_or(|after| place(call) > *after);
        let mut calls: Vec<_> = state.side_tables.of_topic(topic).filter(is_later).cloned().collect();
        calls.sort_by_key(place);
        calls.truncate(limit);
        Ok(calls)
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        let state = self.open("sum up the calls of a topic")?;
        let mut by_model: BTreeMap<String, CallSums> = BTreeMap::new();
        for call in state.side_tables.of_topic(topic) {
            let sums = by_model.entry(call.model_key.clone()).or_default();
            sums.add(&sums_of(call));
        }
        Ok(CallStatistics::new(by_model.into_iter().collect()))
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        let mut state = self.open("write a call")?;
        let now = instant::now(&*self.clock);
        state.side_tables.calls.entry(id).or_insert_with(|| ReservedRow::without_stage(id, call, now).record);
        Ok(())
    }

    async fn settle_call(&self, id: CallId, outcome: CallOutcome) -> Result<(), Error> {
        let mut state = self.open("settle a call")?;
        let now = instant::now(&*self.clock);
        if let Some(record) = state.side_tables.calls.get_mut(&id).filter(|call| call.run_id.is_none()) {
            SettledRow::new(id, outcome, now).apply_to(record);
        }
        Ok(())
    }

    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error> {
        Ok(self.open("sum up calls of models")?.roll_up(limit))
    }
}

fn sums_of(call: &AiCallRecord) -> CallSums {
    let is = |outcome| u64::from(call.outcome == outcome);
    CallSums {
        calls: 1,
        settled: is(CallStatus::Settled),
        failed: is(CallStatus::Failed),
        unknown: is(CallStatus::Unknown),
        input_tokens: call.input_tokens,
        cached_input_tokens: call.cached_input_tokens,
        output_tokens: call.output_tokens,
        cost: call.cost,
        reserved: call.reserved,
    }
}
