//! Signals in memory.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::MemoryStore;
use super::side_tables::SideTables;
use crate::error::Error;
use crate::ports::{SignalWaitQuery, Signals};
use crate::records::{SignalRecord, SignalWait, Status};
use crate::stores::footprint::Footprint;
use crate::stores::signal_waits::merged;
use crate::stores::working_set::{ConsumedSignal, SignalQueue, WorkingSet};
use crate::value::{RunId, StageKey};

impl SideTables {
    /// Returns the signals of a stage, by number.
    fn signals_of(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
    ) -> impl DoubleEndedIterator<Item = &SignalRecord> {
        let range = (run_id, stage_key.clone(), 0)..=(run_id, stage_key.clone(), u64::MAX);
        self.signals.range(range).map(|(_, signal)| signal)
    }

    /// Copies the state of the named queues into the working set.
    pub(super) fn load_signals(&self, footprint: &Footprint, set: &mut WorkingSet) {
        for (run_id, stage_key) in &footprint.signals {
            let signals = || self.signals_of(*run_id, stage_key);
            let queue = SignalQueue {
                last: signals().next_back().map_or(0, |signal| signal.number),
                consumed: signals()
                    .rfind(|signal| signal.consumed_at.is_some())
                    .map_or(0, |signal| signal.number),
                first_actor: signals()
                    .find(|signal| signal.consumed_at.is_none())
                    .and_then(|signal| signal.actor.clone()),
            };
            set.signals.insert((*run_id, stage_key.clone()), queue);
        }
    }

    /// Stores the signals that a transaction has written.
    pub(super) fn write_signals(&mut self, new: Vec<SignalRecord>, consumed: Vec<ConsumedSignal>) {
        for signal in new {
            self.signals.insert((signal.run_id, signal.stage_key(), signal.number), signal);
        }
        for ConsumedSignal { run_id, stage_key, number, generation, at } in consumed {
            if let Some(signal) = self.signals.get_mut(&(run_id, stage_key, number)) {
                (signal.consumed_at, signal.consumed_by) = (Some(at), Some(generation));
            }
        }
    }
}

#[async_trait]
impl Signals for MemoryStore {
    async fn signals(&self, run_id: RunId, stage_key: Option<&StageKey>) -> Result<Vec<SignalRecord>, Error> {
        let state = self.open("read the signals of a run")?;
        let first = (run_id, stage_key.cloned().unwrap_or_default(), 0);
        let of_run = state.side_tables.signals.range(first..).take_while(|((run, ..), _)| *run == run_id);
        let of_stage = of_run.map(|(_, signal)| signal);
        let of_stage = of_stage
            .filter(|signal| stage_key.is_none_or(|key| key.selects(&signal.stage_id, &signal.place)));
        Ok(of_stage.cloned().collect())
    }

    async fn next_signal(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<SignalRecord>, Error> {
        let state = self.open("read the next signal of a stage")?;
        let mut signals = state.side_tables.signals_of(run_id, stage_key);
        Ok(signals.find(|signal| signal.consumed_at.is_none()).cloned())
    }

    async fn suspended_definitions(&self) -> Result<Vec<String>, Error> {
        let state = self.open("read definitions with suspended stages")?;
        let suspended = state.jobs().filter(|(_, job)| job.status == Status::Suspended);
        let found: BTreeSet<String> = suspended.map(|(_, job)| job.definition_fingerprint.clone()).collect();
        Ok(found.into_iter().collect())
    }

    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error> {
        let state = self.open("read stages that wait for a signal")?;
        let stages: BTreeSet<(&str, &str)> =
            query.stages.iter().map(|(definition, stage)| (definition.as_str(), stage.as_str())).collect();
        let waits = state.jobs().filter_map(|(_, job)| {
            let is_asked = job.status == Status::Suspended
                && stages.contains(&(job.definition_fingerprint.as_str(), job.stage_id.as_str()));
            let stage_key = job.key();
            let position = (job.run_at, job.run_id, stage_key.clone());
            let is_later = query.after.as_ref().is_none_or(|after| position > *after);
            let mut signals = state.side_tables.signals_of(job.run_id, &stage_key);
            if !is_asked || !is_later || signals.any(|signal| signal.consumed_at.is_none()) {
                return None;
            }
            let stage = &state.runs.get(&job.run_id)?.stages.get(&stage_key)?.record;
            Some(SignalWait {
                run_id: job.run_id,
                workflow_id: job.workflow_id.clone(),
                definition_fingerprint: job.definition_fingerprint.clone(),
                stage_id: job.stage_id.clone(),
                place: job.place.clone(),
                stage_name: stage.stage_name.clone(),
                question: stage.suspended_state.clone()?,
                asked_at: stage.started_at,
                deadline: job.run_at,
            })
        });
        Ok(merged(waits.collect(), query.limit))
    }
}
