//! A workflow and its versions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use workflow_engine::Json;
use workflow_engine::WorkflowVersion;

/// A workflow with its versions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowView {
    /// The workflow's id.
    pub(crate) id: String,
    /// Its versions, newest first.
    pub(crate) versions: Vec<VersionView>,
}

/// A workflow with its versions and its newest definition.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct WorkflowDetail {
    /// The workflow's id.
    pub(crate) id: String,
    /// Its versions, newest first.
    pub(crate) versions: Vec<VersionView>,
    /// The newest definition: its stages, graph, JSON Schemas and defaults.
    pub(crate) definition: Json,
}

/// One definition of a workflow.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VersionView {
    /// The version.
    pub(crate) version: u32,
    /// The fingerprint of the definition.
    pub(crate) fingerprint: String,
    /// Whether the server's process can execute its runs.
    is_executable: bool,
    /// The ids of the workers that can execute its runs, newest first, as far as it is known that they run.
    workers: Vec<String>,
    /// The number of runs that have not started.
    pending: u64,
    /// The number of runs that have started and not ended.
    running: u64,
    /// Whether these are all.
    is_exact: bool,
    /// The instant at which the oldest unfinished run was created.
    oldest: Option<DateTime<Utc>>,
    /// The instant at which a process registered it for the first time.
    first_seen_at: DateTime<Utc>,
}

impl From<WorkflowVersion> for VersionView {
    fn from(version: WorkflowVersion) -> Self {
        Self {
            version: version.definition.version,
            fingerprint: version.definition.fingerprint,
            is_executable: version.is_executable,
            workers: version.workers.into_iter().map(|status| status.worker.id).collect(),
            pending: version.pending,
            running: version.running,
            is_exact: version.is_exact,
            oldest: version.oldest,
            first_seen_at: version.definition.first_seen_at,
        }
    }
}

/// Groups versions by workflow.
pub(crate) fn group(versions: Vec<WorkflowVersion>) -> Vec<WorkflowView> {
    let mut workflows: BTreeMap<String, Vec<VersionView>> = BTreeMap::new();
    for version in versions {
        workflows.entry(version.definition.workflow_id.clone()).or_default().push(version.into());
    }
    let view = |(id, mut versions): (String, Vec<VersionView>)| {
        versions.sort_by_key(|version| std::cmp::Reverse((version.version, version.first_seen_at)));
        WorkflowView { id, versions }
    };
    workflows.into_iter().map(view).collect()
}
