//! The condition of a store in memory: it has no database that could be wrong.

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{Diagnosis, IndexCondition, StoreCondition};
use crate::stores::instant;

#[async_trait]
impl Diagnosis for MemoryStore {
    async fn condition(&self) -> Result<StoreCondition, Error> {
        let now = instant::now(&*self.clock);
        let state = self.open("diagnose the store")?;
        let newest_run_at = state.runs.values().map(|run| run.record.created_at).max();
        let usable = |&index| IndexCondition { index, is_usable: true };
        let optional_indexes = state.indexes.iter().map(usable).collect();
        Ok(StoreCondition { newest_run_at, optional_indexes, ..StoreCondition::new(now) })
    }
}
