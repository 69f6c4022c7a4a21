//! Rows beside runs and stages: blobs, log lines, progress, annotations, artifacts, metrics, statements of the user.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::mismatch::Mismatch;
use crate::records::{Annotation, AnnotationRecord, BlobKey, EventKind, LogLevel, Statement, StoredValue};
use crate::stores::working_set::{ArtifactRow, BlobRow, LogRow, UserStatements};
use crate::value::{Json, Place, StageKey};

/// Writes `Change::Tag`.
pub(super) fn tag(draft: &mut Draft<'_>, tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        draft.tag(key, value);
    }
}

/// Writes `Change::PutBlob`.
pub(super) fn put_blob(draft: &mut Draft<'_>, key: &BlobKey, value: &Json) {
    let row = BlobRow { run_id: draft.run_id(), key: key.clone(), value: value.clone(), at: draft.now() };
    draft.put_blob(row);
}

/// Writes `Change::Log`.
pub(super) fn log(
    draft: &mut Draft<'_>,
    stage_key: Option<&StageKey>,
    level: LogLevel,
    message: &str,
    fields: &Json,
) -> Result<(), Mismatch> {
    let attempt = stage_key.map(|stage_key| draft.stage(stage_key).map(|stage| stage.attempt)).transpose()?;
    let line = LogRow {
        run_id: draft.run_id(),
        attempt,
        stage_key: stage_key.cloned(),
        at: draft.now(),
        level,
        message: message.to_owned(),
        fields: fields.clone(),
    };
    draft.log(line);
    Ok(())
}

/// Writes `Change::Progress`.
pub(super) fn progress(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    fraction: f64,
    message: &str,
) -> Result<(), Mismatch> {
    let StageKey { id: stage_id, place } = draft.stage(stage_key)?.key();
    draft.event(EventKind::StageProgress { stage_id, place, fraction, message: message.to_owned() })
}

/// Writes `Change::Annotate`.
pub(super) fn annotate(
    draft: &mut Draft<'_>,
    stage_key: Option<&StageKey>,
    annotation: &Annotation,
) -> Result<(), Mismatch> {
    let generation = draft.run()?.generation;
    // The stage may not exist yet: an annotation from outside may be about a stage of a run that has not started.
    let attempt = stage_key.and_then(|stage_key| draft.stage(stage_key).ok()).map(|stage| stage.attempt);
    let (stage_id, place) = stage_key.map(|key| (key.id.clone(), key.place.clone())).unzip();
    let place: Place = place.unwrap_or_default();
    for (key, value) in &annotation.attributes {
        draft.annotate(AnnotationRecord {
            // The store assigns it.
            id: 0,
            run_id: draft.run_id(),
            stage_id: stage_id.clone(),
            place: place.clone(),
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
                stage_id: stage_id.clone(),
                place: place.clone(),
                key: key.clone(),
                value: value.clone(),
                actor: annotation.actor.clone(),
                scope: annotation.scope.clone(),
            })?;
        }
    }
    Ok(())
}

/// Writes `Change::PutArtifact`, or without a value `Change::DeleteArtifact`.
pub(super) fn artifact(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    key: &str,
    value: Option<&StoredValue>,
) -> Result<(), Mismatch> {
    let generation = draft.stage(stage_key)?.generation;
    let row = ArtifactRow { generation, value: value.cloned(), at: draft.now() };
    draft.set_artifact(stage_key, key, row);
    Ok(())
}

/// Writes `Change::RecordMetrics`.
pub(super) fn record_metrics(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    metrics: &BTreeMap<String, f64>,
) -> Result<(), Mismatch> {
    let recorded = metrics.iter().map(|(name, value)| (name.clone(), *value));
    draft.stage_mut(stage_key)?.metrics.extend(recorded);
    draft.metrics_changed(stage_key);
    Ok(())
}

/// Writes `Change::Execute`.
pub(super) fn execute(draft: &mut Draft<'_>, stage_key: &StageKey, statements: &[Statement]) {
    let run_id = draft.run_id();
    draft.execute(UserStatements { run_id, stage_key: stage_key.clone(), statements: statements.to_vec() });
}
