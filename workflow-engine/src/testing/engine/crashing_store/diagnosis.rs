//! The diagnosis of a store that dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{Diagnosis, StoreCondition};

#[async_trait]
impl Diagnosis for CrashingStore {
    async fn condition(&self) -> Result<StoreCondition, Error> {
        self.alive()?.condition().await
    }
}
