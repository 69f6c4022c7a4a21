//! The definitions in the store, and what this process can execute of their unfinished runs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::Kernel;
use crate::error::Error;
use crate::ports::NewDefinition;
use crate::records::DefinitionRecord;
use crate::value::Json;

/// The number of unfinished runs of a workflow that are counted.
const CAP: usize = 10_000;

/// One definition of a workflow with its unfinished runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinitionRuns {
    /// The definition.
    pub(crate) definition: DefinitionRecord,
    /// Whether this process can execute its runs: it has registered the definition, or one that is declared compatible.
    pub(crate) is_executable: bool,
    /// The number of runs that have not started.
    pub(crate) pending: u64,
    /// The number of runs that have started and not ended.
    pub(crate) running: u64,
    /// Whether these are all. Of a workflow with more than 10,000 unfinished runs, only the oldest 10,000 are counted.
    pub(crate) is_exact: bool,
    /// When the oldest unfinished run was created.
    pub(crate) oldest: Option<DateTime<Utc>>,
}

impl Kernel {
    /// Stores the registered definitions, as far as the store does not have them.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn register_definitions(&self) -> Result<(), Error> {
        let new: Vec<NewDefinition> = self
            .registry()
            .definitions()
            .map(|definition| {
                let id = &definition.id;
                let description =
                    Json::write(&definition.to_json()).map_err(|error| Error::invalid_config(id, error))?;
                Ok(NewDefinition {
                    fingerprint: definition.fingerprint().to_owned(),
                    workflow_id: id.clone(),
                    version: definition.version,
                    description,
                })
            })
            .collect::<Result<_, Error>>()?;
        self.store().register_definitions(&new).await
    }

    /// Returns all definitions in the store with their unfinished runs, by workflow and version.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn definition_runs(&self) -> Result<Vec<DefinitionRuns>, Error> {
        let definitions = self.store().definitions().await?;
        let workflows: BTreeSet<&String> = definitions.iter().map(|known| &known.workflow_id).collect();
        let (mut unfinished, mut incomplete) = (BTreeMap::new(), BTreeSet::new());
        for workflow_id in workflows {
            let counted = self.store().unfinished_by_definition(workflow_id, CAP).await?;
            let total: u64 = counted.iter().map(|runs| runs.pending + runs.running).sum();
            if total >= CAP as u64 {
                incomplete.insert(workflow_id.clone());
            }
            unfinished.extend(counted.into_iter().map(|runs| (runs.fingerprint.clone(), runs)));
        }
        let with_runs = |definition: DefinitionRecord| {
            let runs = unfinished.get(&definition.fingerprint);
            DefinitionRuns {
                is_executable: self.registry().by_fingerprint(&definition.fingerprint).is_some(),
                pending: runs.map_or(0, |runs| runs.pending),
                running: runs.map_or(0, |runs| runs.running),
                is_exact: !incomplete.contains(&definition.workflow_id),
                oldest: runs.map(|runs| runs.oldest),
                definition,
            }
        };
        Ok(definitions.into_iter().map(with_runs).collect())
    }
}
