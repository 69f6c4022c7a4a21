//! # Durable workflows for Rust
//!
#![doc = include_str!("../docs/overview.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// Generated code names this crate by its own name, also in this crate's tests.
extern crate self as workflow_engine;

#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod failpoints;
#[cfg(not(feature = "failpoints"))]
mod failpoints;
pub mod value;
pub mod telemetry;
mod error;
pub mod records;
pub mod ledger;
pub mod context;
pub mod definition;
pub mod language;
mod lower;
pub mod presets;
pub mod ports;
pub mod kernel;
pub mod stores;
pub mod blobs;
pub mod sinks;
mod host;
mod engine;
#[cfg(feature = "ai")]
pub mod ai;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(doc)]
pub mod guide;

pub use context::{AnyStage, IntoStageError, Retry, RetryDecision, StageContext, StageError, StageResult};
pub use engine::{
    AnyRun, ApprovalId, BulkItem, BulkOutcome, Cursor, Engine, EngineBuilder, Events, Fork, IntoStore, List,
    Logs, Page, PendingApproval, Rerun, RunHandle, Signal, StartRun, StoreSource, WorkerState, WorkerStatus,
    WorkflowVersion,
};
#[cfg(feature = "schedules")]
pub use engine::{
    Backfill, CronSchedule, PeriodicSchedule, ScheduleInfo, ScheduleStatus, Schedules, Trigger,
};
pub use error::{Error, ErrorCode};
pub use host::{LeftJob, ShutdownReport, serverless};
pub use language::{Check, CheckFunction, HasStage, Stage, StartChild, Workflow};
pub use ports::{AnnotationFilter, DeadLetterFilter, LogFilter, RunCount, RunFilter};
pub use presets::Approval;
pub use records::{Actor, Annotation, AnnotationKey, LogLevel, Schedule, StageFailure, Statement, Status};
pub use value::{Bytes, Cost, Json, Place, RunId, StageKey};
pub use workflow_engine_macros::{check, stage, workflow};

// For generated code only: not covered by semantic versioning.
#[doc(hidden)]
pub use lower::private as __private;

/// The names that most programs need: `use workflow_engine::prelude::*`.
pub mod prelude {
    pub use crate::records::Status;
    pub use crate::{
        AnyRun, Approval, Check, Engine, RunHandle, Stage, StageContext, StageError, StageFailure,
        StageResult, Workflow,
    };
    pub use crate::{check, stage, workflow};
}
