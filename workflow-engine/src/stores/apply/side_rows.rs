//! What hangs on runs and stages: annotations, artifacts, metrics, and statements of the user's.

use super::draft::{Draft, Impossible};
use crate::ports::Change;
use crate::records::{Annotation, AnnotationRecord, EventKind, StoredValue};
use crate::stores::working_set::{ArtifactRow, UserStatements};

/// Writes one of these changes; the others are not its business.
pub(super) fn attach(draft: &mut Draft<'_>, change: &Change) -> Result<(), Impossible> {
    match change {
        Change::Annotate { stage_id, annotation } => annotate(draft, stage_id.as_deref(), annotation),
        Change::PutArtifact { stage_id, key, value } => artifact(draft, stage_id, key, Some(value)),
        Change::DeleteArtifact { stage_id, key } => artifact(draft, stage_id, key, None),
        Change::RecordMetrics { stage_id, metrics } => {
            let measured = metrics.iter().map(|(name, value)| (name.clone(), *value));
            draft.stage_mut(stage_id)?.metrics.extend(measured);
            draft.metrics_have_changed(stage_id);
            Ok(())
        }
        Change::Execute { stage_id, statements } => {
            let run_id = draft.run_id();
            draft.execute(UserStatements {
                run_id,
                stage_id: stage_id.clone(),
                statements: statements.clone(),
            });
            Ok(())
        }
        _ => Ok(()),
    }
}

fn annotate(
    draft: &mut Draft<'_>,
    stage_id: Option<&str>,
    annotation: &Annotation,
) -> Result<(), Impossible> {
    let generation = draft.run()?.generation;
    // One that is attached from outside may be about a stage of a run that nobody has started.
    let attempt = stage_id.and_then(|stage_id| draft.stage(stage_id).ok()).map(|stage| stage.attempt);
    for (key, value) in &annotation.attributes {
        draft.annotate(AnnotationRecord {
            // Given by the store.
            id: 0,
            run_id: draft.run_id(),
            stage_id: stage_id.map(str::to_owned),
            generation,
            attempt,
            key: key.clone(),
            value: value.clone(),
            actor: annotation.actor.clone(),
            scope: annotation.scope.clone(),
            payload: annotation.payload.clone(),
            at: draft.now(),
        });
        if annotation.emit_event {
            draft.event(EventKind::AnnotationCreated {
                stage_id: stage_id.map(str::to_owned),
                key: key.clone(),
                value: value.clone(),
                actor: annotation.actor.clone(),
                scope: annotation.scope.clone(),
            })?;
        }
    }
    Ok(())
}

fn artifact(
    draft: &mut Draft<'_>,
    stage_id: &str,
    key: &str,
    value: Option<&StoredValue>,
) -> Result<(), Impossible> {
    let generation = draft.stage(stage_id)?.generation;
    let row = ArtifactRow { generation, value: value.cloned(), at: draft.now() };
    draft.keep(stage_id, key, row);
    Ok(())
}
