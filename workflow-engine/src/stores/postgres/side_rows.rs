//! The rows beside runs and stages. Each kind is written by a separate statement, which is sent only where there are rows.

use super::column_arrays::ColumnArrays;
use super::failure::Failure;
use super::transaction::Transaction;
use super::{calls, enqueued, signals};
use crate::stores::rows::{SideKind, annotation_columns, artifact_columns, side_rows};
use crate::stores::working_set::WorkingSet;

const ACTION: &str = "write a commit";

const COMPLETE_KEYS: &str = "
    UPDATE {schema}.workflow_idempotency_keys AS k SET result = n.result
    FROM unnest($1, $2, $3) AS n (command, key, result)
    WHERE k.command = n.command AND k.key = n.key";

const INSERT_TAGS: &str = "
    INSERT INTO {schema}.workflow_run_tags (workflow_run_id, key, value) SELECT * FROM unnest($1, $2, $3)";

const INSERT_ANNOTATIONS: &str = "
    INSERT INTO {schema}.workflow_annotations
        (workflow_run_id, stage_id, place, key, value, actor, scope, payload, generation, attempt, created_at)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const PUT_ARTIFACTS: &str = "
    INSERT INTO {schema}.workflow_artifacts
        (workflow_run_id, stage_id, place, key, data, data_blob, generation, created_at, type)
    SELECT n.*, 'JSON' FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n
    ON CONFLICT (workflow_run_id, stage_id, place, key) DO UPDATE
    SET generation = excluded.generation, data = excluded.data, data_blob = excluded.data_blob,
        created_at = excluded.created_at";

const DELETE_ARTIFACTS: &str = "
    DELETE FROM {schema}.workflow_artifacts AS a USING unnest($1, $2, $3, $4) AS n (run_id, stage_id, place, key)
    WHERE a.workflow_run_id = n.run_id AND a.stage_id = n.stage_id AND a.place = n.place AND a.key = n.key";

const UPDATE_METRICS: &str = "
    UPDATE {schema}.workflow_stage_rows AS s SET metrics = n.metrics
    FROM unnest($1, $2, $3, $4) AS n (run_id, stage_id, place, metrics)
    WHERE s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id AND s.place = n.place";

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
        AND ($5::text IS NULL OR a.stage_id = $5 AND ($11 = '' OR a.place = $11)) AND ($6::text IS NULL OR a.actor = $6)
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

/// Artifacts of earlier generations of a stage are void and not returned. A stage without a row is in the first one.
macro_rules! from_artifacts {
    () => {
        " FROM {schema}.workflow_artifacts AS a LEFT JOIN {schema}.workflow_stage_rows AS s
        ON s.workflow_run_id = a.workflow_run_id AND s.stage_id = a.stage_id AND s.place = a.place
        WHERE a.generation = coalesce(s.generation, 1)"
    };
}

pub(super) const ARTIFACTS: &str = concat!(
    "SELECT ",
    artifact_columns!(array_row),
    from_artifacts!(),
    " AND a.workflow_run_id = $1 AND ($2::text IS NULL OR a.stage_id = $2 AND ($3 = '' OR a.place = $3))
    ORDER BY a.stage_id, a.place, a.key"
);

pub(super) const ARTIFACT: &str = concat!(
    "SELECT ",
    artifact_columns!(array_row),
    from_artifacts!(),
    " AND a.workflow_run_id = $1 AND a.stage_id = $2 AND a.place = $3 AND a.key = $4"
);

/// Writes the side rows of a commit.
pub(super) async fn write(transaction: &mut Transaction, set: &WorkingSet) -> Result<(), Failure> {
    enqueued::delete(transaction, &set.side_rows.dequeued).await?;
    let rows = side_rows::<ColumnArrays>(set).map_err(|error| Failure::permanent(ACTION, error))?;
    for (kind, rows) in rows {
        let query = rows.bind(transaction.query(statement(kind)));
        transaction.execute(ACTION, query).await?;
    }
    Ok(())
}

fn statement(kind: SideKind) -> &'static str {
    match kind {
        SideKind::CompletedKeys => COMPLETE_KEYS,
        SideKind::NewTags => INSERT_TAGS,
        SideKind::NewAnnotations => INSERT_ANNOTATIONS,
        SideKind::Artifacts => PUT_ARTIFACTS,
        SideKind::DeletedArtifacts => DELETE_ARTIFACTS,
        SideKind::VoidBlobs => DELETE_VOID_BLOBS,
        SideKind::Metrics => UPDATE_METRICS,
        SideKind::ReservedCalls => calls::RESERVE,
        SideKind::SettledCalls => calls::SETTLE,
        SideKind::VoidedCalls => calls::VOID,
        SideKind::NewSignals => signals::INSERT,
        SideKind::ConsumedSignals => signals::CONSUME,
        SideKind::RunSpending => calls::UPDATE_RUNS,
        SideKind::StageSpending => calls::UPDATE_STAGES,
    }
}
