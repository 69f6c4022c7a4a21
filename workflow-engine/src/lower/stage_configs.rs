//! A workflow's configuration, which has a field for each stage.

use serde::ser::SerializeMap;

use super::record::ObjectSchema;
use super::table::WorkflowTable;
use crate::language::Stage;

/// The ids of a workflow's stages, which are the keys of its configuration.
#[must_use]
pub const fn ids<const STAGES: usize>(table: &WorkflowTable) -> [&'static str; STAGES] {
    let mut ids = [""; STAGES];
    let mut at = 0;
    while at < STAGES {
        ids[at] = table.stages[at].id();
        at += 1;
    }
    ids
}

/// Writes a stage's configuration under the stage's id.
///
/// # Errors
/// Those of the serializer and of the configuration.
pub fn write_stage<S: Stage, M: SerializeMap>(map: &mut M, config: &S::Config) -> Result<(), M::Error> {
    map.serialize_entry(S::DECLARATION.id, config)
}

/// Describes the configuration of each stage.
pub fn describe(table: &WorkflowTable, object: &mut ObjectSchema<'_>) {
    for row in table.stages {
        row.describe(object);
    }
}
