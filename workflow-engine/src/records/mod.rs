//! What is stored, as plain data: one record, one file.

mod status;
mod run;
mod stage;
mod job;
mod event;
mod event_type;
mod delivery;
mod log;
mod log_level;
mod annotation;
mod annotation_record;
pub(crate) mod sql_scan;
mod sql_value;
mod statement;
mod call_type;
mod artifact;
mod value;
mod ai_call;
mod spending;

pub use ai_call::{AiCallRecord, CallStatus};
pub use annotation::{Annotation, AnnotationKey};
pub use annotation_record::AnnotationRecord;
pub use artifact::ArtifactRecord;
pub use call_type::CallType;
pub use delivery::{DeadLetter, DeliveryRecord};
pub use event::{Event, EventKind};
pub use event_type::EventType;
pub use job::{Claimant, ClaimedJob, JobRecord, Lease};
pub use log::LogRecord;
pub use log_level::LogLevel;
pub use run::{RunError, RunRecord, RunRequest};
pub use spending::CostSummary;
pub use stage::StageRecord;
pub use status::{Status, UnknownStatus};
pub use value::{BlobKey, StoredValue};

pub use sql_value::SqlValue;
pub use statement::Statement;

pub(crate) use statement::MAX_STATEMENTS;
