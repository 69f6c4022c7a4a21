//! What is stored, as plain data: one record, one file.

mod status;
mod run;
mod stage;
mod job;
mod event;
mod event_type;
mod delivery;
mod log;
mod annotation;
mod artifact;
mod value;
mod ai_call;
mod batch_rows;
mod spending;

pub use ai_call::{AiCallRecord, CallStatus};
pub use annotation::AnnotationRecord;
pub use artifact::ArtifactRecord;
pub(crate) use batch_rows::BatchRows;
pub use delivery::{DeadLetter, DeliveryRecord};
pub use event::{Event, EventKind};
pub use event_type::EventType;
pub use job::{Claimant, ClaimedJob, JobRecord, Lease};
pub use log::LogRecord;
pub use run::{RunError, RunRecord, RunRequest};
pub use spending::CostSummary;
pub use stage::StageRecord;
pub use status::{Status, UnknownStatus};
pub use value::{BlobKey, StoredValue};

pub use crate::language::{CallId, CallType, Cost};
