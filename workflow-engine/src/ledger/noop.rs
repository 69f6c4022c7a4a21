//! The ledger of a stage context that runs without an engine.

use async_trait::async_trait;

use super::call::{CallLedger, CallOutcome, CallReservation};
use super::statistics::CallStatistics;
use crate::error::Error;
use crate::value::CallId;

/// A ledger that admits every call and stores none.
pub(crate) struct NoCalls;

#[async_trait]
impl CallLedger for NoCalls {
    async fn reserve(&self, _: CallReservation) -> Result<CallId, Error> {
        Ok(CallId::generate())
    }

    async fn settle(&self, _: CallId, _: CallOutcome) -> Result<(), Error> {
        Ok(())
    }

    async fn statistics(&self, _: &str) -> Result<CallStatistics, Error> {
        Ok(CallStatistics::default())
    }
}
