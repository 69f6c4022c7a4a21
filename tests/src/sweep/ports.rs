//! The ports, with a point before and after each of their methods.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use workflow_engine::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use workflow_engine::kernel::LocalExecutor;
use workflow_engine::ports::{
    ActivityExecutor, BlobStore, Commit, Decision, DeliveryError, EventSink, Plugin, Precondition, Store,
};
use workflow_engine::records::{BlobKey, Event};
use workflow_engine::testing::unavailable;
use workflow_engine::{Error, Json, StageError};

use super::outage;
use super::points::{are_watched, reach};
use crate::execution_log;
use crate::intercept::{Call, Interceptor};

/// A method without points: it is called only after commits of other processes, which these runs do not have. It only
/// reads, and is repeated.
const UNREACHED_METHOD: &str = "lost_leases";

fn at(port: &str, method: &str, moment: &str) -> Result<(), Error> {
    if method == UNREACHED_METHOD {
        return Ok(());
    }
    let fails = reach(&format!("{port}.{method}: {moment}"));
    if fails || (port == "store" && outage::is_on()) { Err(unavailable(method)) } else { Ok(()) }
}

/// The points around the methods of a store.
#[derive(Default)]
pub struct StorePoints {
    has_failed: AtomicBool,
}

#[async_trait]
impl Interceptor for StorePoints {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        at("store", call.method, "before").map(|()| 0)
    }

    async fn after(&self, call: Call, _: u64) -> Result<(), Error> {
        at("store", call.method, "after")
    }

    async fn commit(&self, store: &dyn Store, decision: Decision) -> Result<Commit, Error> {
        // Fails the precondition once, as if another commit had come first, so that the path of a retry is reached.
        let is_structural =
            matches!(decision.precondition, Precondition::Revision(_)) && decision.idempotency.is_none();
        let is_wake = decision
            .changes
            .iter()
            .any(|change| matches!(change, workflow_engine::ports::Change::Wake { .. }));
        if is_structural && is_wake && are_watched() && !self.has_failed.swap(true, Ordering::SeqCst) {
            return Ok(Commit::PreconditionFailed);
        }
        store.commit(decision).await
    }
}

/// The points around bodies and checks.
pub struct ExecutorPoints;

fn failed(port: &str, method: &str, moment: &str) -> Result<(), StageError> {
    at(port, method, moment).map_err(StageError::retryable)
}

#[async_trait]
impl ActivityExecutor for ExecutorPoints {
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError> {
        failed("executor", "execute", "before")?;
        let output = LocalExecutor.execute(stage, execution).await?;
        failed("executor", "execute", "after")?;
        Ok(output)
    }

    async fn check(&self, wait: &WaitDefinition, check: CheckExecution) -> Result<CheckOutcome, StageError> {
        failed("executor", "check", "before")?;
        let outcome = LocalExecutor.check(wait, check).await?;
        failed("executor", "check", "after")?;
        Ok(outcome)
    }
}

/// Appends events to a file. In a child it can refuse the first one.
pub struct SinkPoints {
    /// The file.
    pub file: PathBuf,
    /// Whether the first event is still to be refused.
    pub refuses: AtomicBool,
}

#[async_trait]
impl EventSink for SinkPoints {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        at("sink", "deliver", "before")?;
        if are_watched() && self.refuses.swap(false, Ordering::SeqCst) {
            return Err("not the first one".into());
        }
        let line = format!("{} {}", event.run_id, event.sequence);
        execution_log::append(&self.file, &line)?;
        Ok(at("sink", "deliver", "after")?)
    }
}

/// A plugin that appends events to a file.
pub struct PluginPoints {
    /// The file.
    pub file: PathBuf,
}

#[async_trait]
impl Plugin for PluginPoints {
    fn name(&self) -> &'static str {
        "points"
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        at("plugin", "handle", "before")?;
        execution_log::append(&self.file, &format!("{} {}", event.run_id, event.sequence))?;
        Ok(at("plugin", "handle", "after")?)
    }
}

/// Stores payloads as files of a folder.
pub struct BlobPoints {
    /// The folder.
    pub folder: PathBuf,
}

impl BlobPoints {
    fn file(&self, key: &BlobKey) -> PathBuf {
        self.folder.join(key.0.replace('/', "_"))
    }
}

#[async_trait]
impl BlobStore for BlobPoints {
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error> {
        at("blobs", "put", "before")?;
        // A process that dies here leaves a file that no row names.
        let temporary = self.file(key).with_extension(format!("{}", std::process::id()));
        let written = std::fs::write(&temporary, value.as_str())
            .and_then(|()| std::fs::rename(&temporary, self.file(key)));
        written.map_err(|_| unavailable("write a blob"))?;
        at("blobs", "put", "after")
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        at("blobs", "get", "before")?;
        let text = std::fs::read_to_string(self.file(key)).ok();
        at("blobs", "get", "after")?;
        Ok(text.map(|text| Json::parse(&text).expect("valid JSON")))
    }

    async fn has(&self, key: &BlobKey) -> Result<bool, Error> {
        Ok(self.file(key).exists())
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        std::fs::remove_file(self.file(key)).or(Ok(()))
    }

    async fn list(&self, _: &str) -> Result<Vec<BlobKey>, Error> {
        Ok(Vec::new())
    }
}
