//! The store in memory as a catalog.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition, RegisteredWorker};
use crate::records::{DefinitionRecord, NewWorker, Status, UnfinishedRuns, WorkerRecord};
use crate::stores::instant;

#[async_trait]
impl Catalog for MemoryStore {
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error> {
        let now = instant::now(&*self.clock);
        let mut state = self.open("register definitions")?;
        for new in definitions {
            let record = || DefinitionRecord {
                fingerprint: new.fingerprint.clone(),
                workflow_id: new.workflow_id.clone(),
                version: new.version,
                description: new.description.clone(),
                first_seen_at: now,
            };
            let key = (new.workflow_id.clone(), new.version, new.fingerprint.clone());
            state.definitions.entry(key).or_insert_with(record);
        }
        Ok(())
    }

    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        Ok(self.open("read the definitions")?.definitions.values().cloned().collect())
    }

    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        let state = self.open("read a definition")?;
        Ok(state.definitions.values().find(|known| known.fingerprint == fingerprint).cloned())
    }

    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error> {
        let state = self.open("count unfinished runs")?;
        let ids = state.pending_runs.union(&state.running_runs);
        let mut runs: Vec<_> = ids.filter_map(|id| state.runs.get(id)).map(|run| &run.record).collect();
        runs.retain(|run| run.workflow_id == workflow_id);
        runs.sort_by_key(|run| (run.created_at, run.id));
        runs.truncate(cap);
        let mut found = BTreeMap::new();
        for run in runs {
            let fingerprint = &run.definition_fingerprint;
            let counted = found.entry(fingerprint).or_insert_with(|| UnfinishedRuns {
                fingerprint: fingerprint.clone(),
                pending: 0,
                running: 0,
                oldest: run.created_at,
            });
            if run.status == Status::Pending {
                counted.pending += 1;
            } else {
                counted.running += 1;
            }
        }
        Ok(found.into_values().collect())
    }

    async fn register_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        let now = instant::now(&*self.clock);
        let mut state = self.open("register a worker")?;
        let number = u32::try_from(state.workers.len() + 1).unwrap_or(u32::MAX);
        state.workers.push(WorkerRecord::new(number, worker, now));
        Ok(number)
    }

    async fn drain_worker(&self, number: u32) -> Result<(), Error> {
        let now = instant::now(&*self.clock);
        let mut state = self.open("note the end of a worker")?;
        if let Some(worker) = state.workers.iter_mut().find(|worker| worker.number == number) {
            worker.drained_at = Some(now);
        }
        Ok(())
    }

    async fn workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<RegisteredWorker>, Error> {
        let state = self.open("read the workers")?;
        let earlier =
            state.workers.iter().rev().filter(|worker| before.is_none_or(|before| worker.number < before));
        let registered =
            |worker: &WorkerRecord| RegisteredWorker { worker: worker.clone(), is_connected: None };
        Ok(earlier.take(limit).map(registered).collect())
    }

    async fn worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        let state = self.open("read the ids of workers")?;
        let named = state.workers.iter().filter(|worker| numbers.contains(&worker.number));
        Ok(named.map(|worker| (worker.number, worker.id.clone())).collect())
    }
}
