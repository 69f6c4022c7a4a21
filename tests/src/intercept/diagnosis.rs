//! The intercepted calls of the diagnosis.

use async_trait::async_trait;
use workflow_engine::Error;
use workflow_engine::ports::{Diagnosis, StoreCondition};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Diagnosis for Intercepted<I> {
    async fn condition(&self) -> Result<StoreCondition, Error> {
        self.read("condition", self.store.condition()).await
    }
}
