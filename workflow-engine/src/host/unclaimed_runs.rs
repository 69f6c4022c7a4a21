//! Warns of runs that no worker claims because their definition is missing.

use std::collections::BTreeSet;
use std::time::Duration;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{DefinitionRuns, Kernel};

/// How long a run must have been claimable before it is reported. A worker that has its definition claims it sooner,
/// unless all are busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of unclaimed runs whose definitions a pass looks up.
const SAMPLE: usize = 100;

/// Warns once of each definition whose runs wait for a worker that has it, and again after its runs were claimed in
/// between.
#[derive(Default)]
pub(super) struct MissingDefinitions {
    reported: BTreeSet<String>,
}

impl Service for MissingDefinitions {
    const REVISITS_RECENT_CHANGES: bool = true;

    fn name(&self) -> String {
        "find unclaimed runs".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let missing = missing_definitions(kernel).await?;
        if missing.iter().any(|fingerprint| !self.reported.contains(fingerprint)) {
            let is_new = |runs: &&DefinitionRuns| {
                let fingerprint = &runs.definition.fingerprint;
                missing.contains(fingerprint) && !self.reported.contains(fingerprint)
            };
            kernel.definition_runs().await?.iter().filter(is_new).for_each(warn);
        }
        self.reported = missing;
        Ok(Next::AfterChange(PATIENCE))
    }

    fn retry(&mut self, _: &Kernel, _: Duration) -> Next {
        Next::AfterChange(PATIENCE)
    }
}

/// Returns the fingerprints of runs that have waited for a worker, and that this one cannot execute.
async fn missing_definitions(kernel: &Kernel) -> Result<BTreeSet<String>, Error> {
    let store = kernel.store();
    let mut found = BTreeSet::new();
    for run_id in store.unclaimed_runs(&kernel.definitions(), PATIENCE, SAMPLE).await? {
        if let Some(run) = store.run(run_id).await? {
            found.insert(run.definition_fingerprint);
        }
    }
    Ok(found)
}

fn warn(runs: &DefinitionRuns) {
    let DefinitionRuns { definition, pending, running, is_exact, oldest, .. } = runs;
    tracing::warn!(
        workflow = definition.workflow_id,
        version = definition.version,
        fingerprint = definition.fingerprint,
        pending,
        running,
        is_exact,
        oldest = oldest.map(|oldest| oldest.to_rfc3339()),
        "runs wait for a worker with their definition; start a process that registers it, or declare a registered one compatible with `register_compatible`"
    );
}
