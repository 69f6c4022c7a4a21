//! The rows beside runs and stages. Each kind is written by its own statement, and only where there is any.

use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use super::{enqueued, run_tags};
use crate::stores::rows::{annotation_columns, artifact_columns};
use crate::stores::working_set::WorkingSet;

const DOING: &str = "write a commit";

const INSERT_ANNOTATIONS: &str = "
    INSERT INTO {prefix}annotations
        (workflow_run_id, stage_id, generation, attempt, key, value, actor, scope, payload, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9
    FROM jsonb_each(?1)";

const PUT_ARTIFACTS: &str = "
    INSERT INTO {prefix}artifacts
        (workflow_run_id, stage_id, key, generation, data, data_blob, created_at, type)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, 'JSON'
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (workflow_run_id, stage_id, key) DO UPDATE
    SET generation = excluded.generation, data = excluded.data, data_blob = excluded.data_blob,
        created_at = excluded.created_at";

const DELETE_ARTIFACTS: &str = "
    DELETE FROM {prefix}artifacts
    WHERE (workflow_run_id, stage_id, key) IN (
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?1)
    )";

const UPDATE_METRICS: &str = "
    UPDATE {prefix}stages SET metrics = n.value ->> 2
    FROM jsonb_each(?1) AS n
    WHERE {prefix}stages.workflow_run_id = n.value ->> 0 AND {prefix}stages.stage_id = n.value ->> 1";

/// The conditions of an annotation filter. The statement adds the run ?1 or the key ?2.
macro_rules! annotation_filter {
    () => {
        " AND a.id > ?3 AND (?4 IS NULL OR a.key = ?4)
        AND (?5 IS NULL OR a.key = ?5 OR (a.key >= ?5 || '.' AND a.key < ?5 || '/'))
        AND (?6 IS NULL OR a.stage_id = ?6) AND (?7 IS NULL OR a.actor = ?7) AND (?8 IS NULL OR a.scope = ?8)
        AND (?9 IS NULL OR a.created_at >= ?9) AND (?10 IS NULL OR a.created_at < ?10)
        ORDER BY a.id LIMIT ?11"
    };
}

pub(super) const ANNOTATIONS: &str = concat!(
    "SELECT ",
    annotation_columns!(flat_row),
    " FROM {prefix}annotations AS a WHERE a.workflow_run_id = ?1 AND ?2 IS NULL",
    annotation_filter!()
);

pub(super) const ANNOTATIONS_OF_KEY: &str = concat!(
    "SELECT ",
    annotation_columns!(flat_row),
    " FROM {prefix}annotations AS a WHERE ?1 IS NULL AND a.key = ?2",
    annotation_filter!()
);

/// The join leaves out the artifacts of earlier generations.
macro_rules! from_artifacts {
    () => {
        " FROM {prefix}artifacts AS a CROSS JOIN {prefix}stages AS s
        ON s.workflow_run_id = a.workflow_run_id AND s.stage_id = a.stage_id AND s.generation = a.generation"
    };
}

pub(super) const ARTIFACTS: &str = concat!(
    "SELECT ",
    artifact_columns!(flat_row),
    from_artifacts!(),
    " WHERE a.workflow_run_id = ?1 AND (?2 IS NULL OR a.stage_id = ?2) ORDER BY a.stage_id, a.key"
);

pub(super) const ARTIFACT: &str = concat!(
    "SELECT ",
    artifact_columns!(flat_row),
    from_artifacts!(),
    " WHERE a.workflow_run_id = ?1 AND a.stage_id = ?2 AND a.key = ?3"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_ANNOTATIONS,
    PUT_ARTIFACTS,
    DELETE_ARTIFACTS,
    UPDATE_METRICS,
    ANNOTATIONS,
    ANNOTATIONS_OF_KEY,
    ARTIFACTS,
    ARTIFACT,
];

/// Writes the side rows of a transaction.
pub(super) fn write(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let side_rows = &set.side_rows;
    run_tags::write(session, &side_rows.tags)?;
    enqueued::delete(session, &side_rows.dequeued)?;
    let mut annotations = JsonRows::default();
    for annotation in &side_rows.annotations {
        annotations.push(|row| {
            row.plain(annotation.run_id)
                .maybe_text(annotation.stage_id.as_deref())
                .int(annotation.generation);
            row.maybe_int(annotation.attempt).text(&annotation.key).text(annotation.value.as_str());
            row.maybe_text(annotation.actor.as_deref()).maybe_text(annotation.scope.as_deref());
            row.maybe_text(annotation.payload.as_ref().map(crate::Json::as_str)).instant(annotation.at);
        });
    }
    session.write(DOING, INSERT_ANNOTATIONS, annotations)?;

    let (mut put, mut deleted) = (JsonRows::default(), JsonRows::default());
    for ((run_id, stage_id, key), artifact) in &side_rows.artifacts {
        let rows = if artifact.value.is_some() { &mut put } else { &mut deleted };
        rows.push(|row| {
            row.plain(run_id).text(stage_id).text(key).int(artifact.generation);
            row.value(artifact.value.as_ref()).instant(artifact.at);
        });
    }
    session.write(DOING, PUT_ARTIFACTS, put)?;
    session.write(DOING, DELETE_ARTIFACTS, deleted)?;

    let mut metrics = JsonRows::default();
    for (run_id, stage_id) in &side_rows.changed_metrics {
        let Some(stage) = set.stage(*run_id, stage_id).and_then(|rows| rows.stage.get()) else { continue };
        let text = serde_json::to_string(&stage.metrics).map_err(|error| Failure::lasting(DOING, error))?;
        let text = (!stage.metrics.is_empty()).then_some(text.as_str());
        metrics.push(|row| {
            row.plain(run_id).text(stage_id).maybe_text(text);
        });
    }
    session.write(DOING, UPDATE_METRICS, metrics)
}
