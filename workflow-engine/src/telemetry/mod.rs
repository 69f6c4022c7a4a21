//! What the engine measures about itself: metrics, and the spans of traces.
//!
//! Every number is an atomic that belongs to one engine, so two engines of a process do not mix, and nothing is global.
//! [`Engine::measurements`](crate::Engine::measurements) returns a snapshot of all of them, and
//! [`Measurements::to_prometheus`] writes it in the text format of Prometheus.

mod measurements;
mod distribution;
mod backlog;
mod prometheus;
mod meters;
mod model_meters;
mod counter;
mod trace_context;
#[cfg(feature = "otel")]
mod otel;
pub(crate) mod spans;

pub use backlog::{BacklogMeasurements, QueuedJobs, SubscriberBacklog, UnfinishedRuns};
pub use distribution::{Bucket, Distribution};
pub use measurements::{
    AttemptCounts, Measurements, ModelMeasurements, SlotMeasurements, StageMeasurements, WorkflowMeasurements,
};
pub(crate) use meters::{AttemptOutcome, Meters, RunEndKind, StageMeters, WorkflowMeters};
pub(crate) use model_meters::CallEnd;
#[cfg(feature = "otel")]
pub use otel::OpenTelemetry;
pub use trace_context::TraceContext;
