//! The sums of calls by hour, workflow, stage and model.

use std::collections::BTreeMap;

use super::state::State;
use crate::ports::CostQuery;
use crate::records::{CallStatus, CostGroup, CostSums, UnfinishedCosts};
use crate::stores::cost_hours::{CostPlace, MAX_UNFINISHED, group, group_of, place, sums, unfinished};
use crate::value::{CallId, Cost, RunId};

impl State {
    /// Adds calls with a final outcome to the sums, at most `limit`.
    pub(super) fn roll_up(&mut self, limit: usize) -> usize {
        let calls = self.calls_to_roll_up(limit);
        calls.iter().for_each(|id| self.add_to_hours(*id));
        calls.len()
    }

    /// Returns the calls with a final outcome that are not in the sums, the oldest first, at most `limit`.
    pub(super) fn calls_to_roll_up(&self, limit: usize) -> Vec<CallId> {
        let is_final = |outcome| matches!(outcome, CallStatus::Settled | CallStatus::Failed);
        let calls = self.side_tables.calls.values();
        let mut calls: Vec<_> = calls
            .filter(|call| is_final(call.outcome) && !self.side_tables.rolled_up.contains(&call.id))
            .map(|call| (call.created_at, call.id))
            .collect();
        calls.sort_unstable();
        calls.truncate(limit);
        calls.into_iter().map(|(_, id)| id).collect()
    }

    /// Adds the calls of a run that is about to be deleted.
    pub(super) fn roll_up_run(&mut self, run_id: RunId) {
        let calls = self.side_tables.calls.values().filter(|call| call.run_id == Some(run_id));
        let calls: Vec<CallId> = calls.map(|call| call.id).collect();
        for id in calls {
            self.add_to_hours(id);
            self.side_tables.rolled_up.remove(&id);
        }
    }

    fn add_to_hours(&mut self, id: CallId) {
        let Some(call) = self.side_tables.calls.get(&id) else { return };
        if !self.side_tables.rolled_up.insert(id) {
            return;
        }
        let workflow_id = call.run_id.and_then(|run_id| self.runs.get(&run_id));
        let place = place(call, workflow_id.map(|run| run.record.workflow_id.as_str()));
        let mut sums = sums(call);
        // Nothing settles it any more.
        sums.unknown_calls += std::mem::take(&mut sums.pending_calls);
        sums.unknown_cost += std::mem::take(&mut sums.reserved);
        self.side_tables.cost_hours.entry(place).or_default().add(&sums);
    }

    pub(super) fn costs(&self, query: &CostQuery) -> Vec<CostGroup> {
        let tables = &self.side_tables;
        let hours = tables.cost_hours.iter().map(|(place, sums)| (place.clone(), *sums));
        let calls = tables.calls.values().filter(|call| !tables.rolled_up.contains(&call.id)).map(|call| {
            let run = call.run_id.and_then(|run_id| self.runs.get(&run_id));
            (place(call, run.map(|run| run.record.workflow_id.as_str())), sums(call))
        });
        let is_wanted = |(place, _): &(CostPlace, CostSums)| {
            query.from.is_none_or(|from| place.0 >= from) && query.until.is_none_or(|until| place.0 < until)
        };
        let mut groups: BTreeMap<_, CostSums> = BTreeMap::new();
        for (place, sums) in hours.chain(calls).filter(is_wanted) {
            groups.entry(group_of(query, place)).or_default().add(&sums);
        }
        groups.into_iter().take(query.limit).map(|((at, texts), sums)| group(at, texts, sums)).collect()
    }

    pub(super) fn unfinished_costs(&self) -> UnfinishedCosts {
        let ids = self.pending_runs.iter().chain(&self.running_runs).take(MAX_UNFINISHED + 1);
        let (mut runs, mut cost, mut reserved) = (0, Cost::ZERO, Cost::ZERO);
        for run in ids.filter_map(|id| self.runs.get(id)) {
            runs += 1;
            cost += run.record.spending.cost;
            reserved += run.record.spending.reserved;
        }
        unfinished(runs, cost, reserved)
    }
}
