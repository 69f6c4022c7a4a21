//! Annotations, artifacts and metrics. Few commits have any, so each kind has a separate statement, which is sent only
//! where there are rows.

use super::arrays::{Rows, value};
use super::failure::Failure;
use super::transaction::Transaction;
use super::{enqueued, run_tags};
use crate::records::AnnotationRecord;
use crate::stores::rows::{annotation_columns, artifact_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::Json;

const ACTION: &str = "write a commit";

const INSERT_ANNOTATIONS: &str = "
    INSERT INTO {schema}.workflow_annotations
        (workflow_run_id, stage_id, key, value, actor, scope, payload, generation, attempt, created_at)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const PUT_ARTIFACTS: &str = "
    INSERT INTO {schema}.workflow_artifacts
        (workflow_run_id, stage_id, key, data, data_blob, generation, created_at, type)
    SELECT n.*, 'JSON' FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n
    ON CONFLICT (workflow_run_id, stage_id, key) DO UPDATE
    SET generation = excluded.generation, data = excluded.data, data_blob = excluded.data_blob,
        created_at = excluded.created_at";

const DELETE_ARTIFACTS: &str = "
    DELETE FROM {schema}.workflow_artifacts AS a USING unnest($1, $2, $3) AS n (run_id, stage_id, key)
    WHERE a.workflow_run_id = n.run_id AND a.stage_id = n.stage_id AND a.key = n.key";

const UPDATE_METRICS: &str = "
    UPDATE {schema}.workflow_stages AS s SET metrics = n.metrics
    FROM unnest($1, $2, $3) AS n (run_id, stage_id, metrics)
    WHERE s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id";

const DELETE_VOID_BLOBS: &str = "
    DELETE FROM {schema}.workflow_blobs AS b
    USING unnest($1, $2, $3, $4, $5) AS n (run_id, after, before, kept_after, kept_before)
    WHERE b.workflow_run_id = n.run_id AND b.key > n.after AND b.key < n.before
        AND NOT (b.key > n.kept_after AND b.key < n.kept_before)";

/// The filter on annotations of the run or key $1. A prefix matches whole segments: `/` is the character after `.`.
macro_rules! annotation_filter {
    () => {
        " AND a.id > $2 AND ($3::text IS NULL OR a.key = $3)
        AND ($4::text IS NULL OR a.key = $4 OR (a.key >= $4 || '.' AND a.key < $4 || '/'))
        AND ($5::text IS NULL OR a.stage_id = $5) AND ($6::text IS NULL OR a.actor = $6)
        AND ($7::text IS NULL OR a.scope = $7) AND ($8::timestamptz IS NULL OR a.created_at >= $8)
        AND ($9::timestamptz IS NULL OR a.created_at < $9)
        ORDER BY a.id LIMIT $10"
    };
}

pub(super) const ANNOTATIONS: &str = concat!(
    "SELECT ",
    annotation_columns!(array_row),
    " FROM {schema}.workflow_annotations AS a WHERE a.workflow_run_id = $1",
    annotation_filter!()
);

pub(super) const ANNOTATIONS_OF_KEY: &str = concat!(
    "SELECT ",
    annotation_columns!(array_row),
    " FROM {schema}.workflow_annotations AS a WHERE a.key = $1",
    annotation_filter!()
);

/// Artifacts of earlier generations of a stage are void and not returned.
macro_rules! from_artifacts {
    () => {
        " FROM {schema}.workflow_artifacts AS a JOIN {schema}.workflow_stages AS s
        ON s.workflow_run_id = a.workflow_run_id AND s.stage_id = a.stage_id AND s.generation = a.generation"
    };
}

pub(super) const ARTIFACTS: &str = concat!(
    "SELECT ",
    artifact_columns!(array_row),
    from_artifacts!(),
    " WHERE a.workflow_run_id = $1 AND ($2::text IS NULL OR a.stage_id = $2) ORDER BY a.stage_id, a.key"
);

pub(super) const ARTIFACT: &str = concat!(
    "SELECT ",
    artifact_columns!(array_row),
    from_artifacts!(),
    " WHERE a.workflow_run_id = $1 AND a.stage_id = $2 AND a.key = $3"
);

/// Writes the side rows of a commit.
pub(super) async fn write(transaction: &mut Transaction, set: &WorkingSet) -> Result<(), Failure> {
    let side_rows = &set.side_rows;
    run_tags::write(transaction, &side_rows.tags).await?;
    enqueued::delete(transaction, &side_rows.dequeued).await?;
    if !side_rows.annotations.is_empty() {
        let mut rows = Rows::<6, 2, 1>::new();
        for annotation in &side_rows.annotations {
            let AnnotationRecord { run_id, stage_id, key, value, actor, scope, payload, .. } = annotation;
            let texts = [
                stage_id.as_deref(),
                Some(key),
                Some(value.as_str()),
                actor.as_deref(),
                scope.as_deref(),
                payload.as_ref().map(Json::as_str),
            ];
            let numbers = [Some(i64::from(annotation.generation)), annotation.attempt.map(i64::from)];
            rows.push(*run_id, texts, numbers, [Some(annotation.at)]);
        }
        let query = rows.bind(transaction.query(INSERT_ANNOTATIONS));
        transaction.execute(ACTION, query).await?;
    }
    write_artifacts(transaction, set).await?;
    if !side_rows.void_blobs.is_empty() {
        let bounds: Vec<_> = side_rows.void_blobs.iter().map(|void| (void.run_id, void.bounds())).collect();
        let mut rows = Rows::<4, 0, 0>::new();
        for (run_id, bounds) in &bounds {
            rows.push(*run_id, bounds.each_ref().map(|bound| Some(bound.as_str())), [], []);
        }
        let query = rows.bind(transaction.query(DELETE_VOID_BLOBS));
        transaction.execute(ACTION, query).await?;
    }
    if side_rows.changed_metrics.is_empty() {
        return Ok(());
    }
    let mut texts = Vec::with_capacity(side_rows.changed_metrics.len());
    for (run_id, stage_id) in &side_rows.changed_metrics {
        let Some(stage) = set.stage(*run_id, stage_id).and_then(|rows| rows.stage.get()) else { continue };
        let text =
            serde_json::to_string(&stage.metrics).map_err(|error| Failure::permanent(ACTION, error))?;
        texts.push((*run_id, stage_id, (!stage.metrics.is_empty()).then_some(text)));
    }
    let mut rows = Rows::<2, 0, 0>::new();
    for (run_id, stage_id, text) in &texts {
        rows.push(*run_id, [Some(stage_id), text.as_deref()], [], []);
    }
    let query = rows.bind(transaction.query(UPDATE_METRICS));
    transaction.execute(ACTION, query).await
}

async fn write_artifacts(transaction: &mut Transaction, set: &WorkingSet) -> Result<(), Failure> {
    let (mut put, mut deleted) = (Rows::<4, 1, 1>::new(), Rows::<2, 0, 0>::new());
    for ((run_id, stage_id, key), artifact) in &set.side_rows.artifacts {
        if artifact.value.is_none() {
            deleted.push(*run_id, [Some(stage_id), Some(key)], [], []);
            continue;
        }
        let (data, blob) = value(artifact.value.as_ref());
        let texts = [Some(stage_id.as_str()), Some(key), data, blob];
        put.push(*run_id, texts, [Some(i64::from(artifact.generation))], [Some(artifact.at)]);
    }
    if !put.is_empty() {
        let query = put.bind(transaction.query(PUT_ARTIFACTS));
        transaction.execute(ACTION, query).await?;
    }
    if !deleted.is_empty() {
        let query = deleted.bind(transaction.query(DELETE_ARTIFACTS));
        transaction.execute(ACTION, query).await?;
    }
    Ok(())
}
