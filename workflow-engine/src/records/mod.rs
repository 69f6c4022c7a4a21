//! The records: rows as plain data. One record, one file.
//!
//! A [`RunRecord`] has [`StageRecord`]s, and a ready stage has a [`JobRecord`], which a worker claims under a [`Lease`].
//! Beside them a run has [`Event`]s, [`LogRecord`]s, [`AnnotationRecord`]s, [`ArtifactRecord`]s and [`AiCallRecord`]s.
//! [`Status`] is the common vocabulary of runs, stages and jobs.

mod status;
mod stored_value;
mod cost_summary;
mod costs;
mod run;
mod run_times;
mod schedule;
mod schedule_record;
mod tags;
mod stage;
mod stage_failure;
mod job;
mod lease;
mod claimed_job;
mod attempt;
mod timeline;
mod queue;
mod phase;
mod stage_times;
mod worker;
mod event;
mod event_json;
mod present_field;
mod event_type;
mod subscriber;
mod delivery;
mod dead_letter;
mod definition;
mod log;
mod log_level;
mod annotation;
mod annotation_key;
mod annotation_record;
mod actor;
mod artifact;
mod signal;
mod call_type;
mod call_status;
mod ai_call;
mod statement;
mod sql_value;
pub(crate) mod sql_scan;

pub use actor::{ActionRecord, Actor};
pub(crate) use actor::{action, origin};
pub use ai_call::AiCallRecord;
pub use annotation::Annotation;
pub use annotation_key::AnnotationKey;
pub(crate) use annotation_key::OPERATOR;
pub use annotation_record::AnnotationRecord;
pub use artifact::ArtifactRecord;
pub use attempt::{AttemptOutcome, AttemptRecord};
pub use call_status::CallStatus;
pub use call_type::CallType;
pub use claimed_job::ClaimedJob;
pub use cost_summary::CostSummary;
pub use costs::{CostGroup, CostKey, CostReport, CostSums, UnfinishedCosts};
pub use dead_letter::{DeadLetter, DeadLetterPlace};
pub use definition::{DefinitionRecord, UnfinishedRuns};
pub use delivery::DeliveryRecord;
pub use event::{Event, EventKind};
pub use event_type::EventType;
pub use job::JobRecord;
pub use lease::{Claimant, Lease};
pub use log::LogRecord;
pub use log_level::LogLevel;
pub use phase::{Phase, WaitingFor};
pub use queue::{QueueCounts, QueueKind, QueueOverview, WorkflowQueue};
pub use run::{RunError, RunRecord, RunRequest};
pub use run_times::{RunStart, RunTimes};
pub use schedule::{CatchUp, Overlap, Schedule};
pub use schedule_record::{
    SchedulePause, ScheduleRecord, ScheduleRefusal, ScheduleStart, ScheduleState,
};
pub use signal::{SignalRecord, SignalWait};
pub use sql_value::SqlValue;
pub use stage::StageRecord;
pub use stage_failure::StageFailure;
pub use stage_times::{StageEnd, StageTime, StageTimes};
pub use statement::Statement;
pub use status::{Status, UnknownStatus};
pub use stored_value::{BlobKey, StoredValue};
pub use subscriber::SubscriberRecord;
pub use timeline::{StageTimeline, StageWait, Timeline, TimelineGeneration, WaitReason};
pub use worker::{NewWorker, WorkerLeases, WorkerRecord};

pub(crate) use statement::MAX_STATEMENTS;
pub(crate) use tags::check_tags;
