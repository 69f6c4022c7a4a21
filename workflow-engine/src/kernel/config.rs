//! The kernel's ports and settings.

use std::sync::Arc;
use std::time::Duration;

use super::registry::WorkflowRegistry;
use crate::context::Extensions;
use crate::ports::{ActivityExecutor, BlobStore, Clock, EventSink, Plugin, Store};
use crate::telemetry::TraceContext;
use crate::value::Limits;

/// The kernel's ports and settings.
pub struct KernelConfig {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The workflows of this process.
    pub registry: WorkflowRegistry,
    /// The executor of the bodies of stages.
    pub executor: Arc<dyn ActivityExecutor>,
    /// The sink that receives all events; `None` keeps them in the store alone.
    pub sink: Option<Arc<dyn EventSink>>,
    /// The plugins that receive events. Their names must differ.
    pub plugins: Vec<Arc<dyn Plugin>>,
    /// The store of large payloads; `None` for the store's own table.
    pub blobs: Option<Arc<dyn BlobStore>>,
    /// The size in bytes above which an output goes to the blob store. Default 16 KiB.
    pub inline_limit: usize,
    /// The program's values that stages can use.
    pub extensions: Extensions,
    /// The limits of stored payloads.
    pub limits: Limits,
    /// What carries the trace of a run's caller to its stages; `None` for none.
    pub trace_context: Option<Arc<dyn TraceContext>>,
    /// How long a claim lasts unless it is renewed. Default 15 s.
    pub lease: Duration,
}

impl KernelConfig {
    /// The default of `inline_limit`: 16 KiB.
    pub const INLINE_LIMIT: usize = 16 * 1024;
    /// The default of `lease`: 15 s.
    pub const LEASE: Duration = Duration::from_secs(15);
}
