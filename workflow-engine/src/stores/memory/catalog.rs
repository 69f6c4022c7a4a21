//! The store in memory as a catalog.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition};
use crate::records::{DefinitionRecord, Status, UnfinishedRuns};
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
}
