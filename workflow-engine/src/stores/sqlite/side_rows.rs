//! The rows beside runs and stages. Each kind is written by its own statement, and only where there is any.

use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use super::{calls, enqueued, signals};
use crate::stores::rows::{SideKind, annotation_columns, artifact_columns, side_rows};
use crate::stores::working_set::WorkingSet;

const DOING: &str = "write a commit";

const COMPLETE_KEYS: &str = "
    UPDATE {prefix}idempotency_keys SET result = n.value ->> 2
    FROM jsonb_each(?1) AS n
    WHERE {prefix}idempotency_keys.command = n.value ->> 0 AND {prefix}idempotency_keys.key = n.value ->> 1";

const INSERT_TAGS: &str = "
    INSERT INTO {prefix}run_tags (workflow_run_id, key, value)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?1)";

const INSERT_ANNOTATIONS: &str = "
    INSERT INTO {prefix}annotations
        (workflow_run_id, stage_id, place, key, value, actor, scope, payload, generation, attempt, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10
    FROM jsonb_each(?1)";

const PUT_ARTIFACTS: &str = "
    INSERT INTO {prefix}artifacts
        (workflow_run_id, stage_id, place, key, data, data_blob, generation, created_at, type)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, 'JSON'
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (workflow_run_id, stage_id, place, key) DO UPDATE
    SET generation = excluded.generation, data = excluded.data, data_blob = excluded.data_blob,
        created_at = excluded.created_at";

const DELETE_ARTIFACTS: &str = "
    DELETE FROM {prefix}artifacts
    WHERE (workflow_run_id, stage_id, place, key) IN (
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?1)
    )";

const DELETE_VOID_BLOBS: &str = "
    DELETE FROM {prefix}blobs
    WHERE key IN (
        SELECT b.key FROM jsonb_each(?1) AS n CROSS JOIN {prefix}blobs AS b
        ON b.key > n.value ->> 1 AND b.key < n.value ->> 2 AND NOT (b.key > n.value ->> 3 AND b.key < n.value ->> 4)
    )";

const UPDATE_METRICS: &str = "
    UPDATE {prefix}stage_rows SET metrics = n.value ->> 3
    FROM jsonb_each(?1) AS n
    WHERE {prefix}stage_rows.workflow_run_id = n.value ->> 0 AND {prefix}stage_rows.stage_id = n.value ->> 1
        AND {prefix}stage_rows.place = n.value ->> 2";

/// The conditions of an annotation filter. The statement adds the run ?1 or the key ?2.
macro_rules! annotation_filter {
    () => {
        " AND a.id > ?3 AND (?4 IS NULL OR a.key = ?4)
        AND (?5 IS NULL OR a.key = ?5 OR (a.key >= ?5 || '.' AND a.key < ?5 || '/'))
        AND (?6 IS NULL OR a.stage_id = ?6 AND (?12 = '' OR a.place = ?12)) AND (?7 IS NULL OR a.actor = ?7) AND (?8 IS NULL OR a.scope = ?8)
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

/// The condition leaves out the artifacts of earlier generations. A stage without a row is in the first one.
macro_rules! from_artifacts {
    () => {
        " FROM {prefix}artifacts AS a LEFT JOIN {prefix}stage_rows AS s
        ON s.workflow_run_id = a.workflow_run_id AND s.stage_id = a.stage_id AND s.place = a.place
        WHERE a.generation = coalesce(s.generation, 1)"
    };
}

pub(super) const ARTIFACTS: &str = concat!(
    "SELECT ",
    artifact_columns!(flat_row),
    from_artifacts!(),
    " AND a.workflow_run_id = ?1 AND (?2 IS NULL OR a.stage_id = ?2 AND (?3 = '' OR a.place = ?3))
    ORDER BY a.stage_id, a.place, a.key"
);

pub(super) const ARTIFACT: &str = concat!(
    "SELECT ",
    artifact_columns!(flat_row),
    from_artifacts!(),
    " AND a.workflow_run_id = ?1 AND a.stage_id = ?2 AND a.place = ?3 AND a.key = ?4"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    COMPLETE_KEYS,
    INSERT_TAGS,
    INSERT_ANNOTATIONS,
    PUT_ARTIFACTS,
    DELETE_ARTIFACTS,
    DELETE_VOID_BLOBS,
    UPDATE_METRICS,
    ANNOTATIONS,
    ANNOTATIONS_OF_KEY,
    ARTIFACTS,
    ARTIFACT,
];

/// Writes the side rows of a transaction.
pub(super) fn write(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    enqueued::delete(session, &set.side_rows.dequeued)?;
    let rows = side_rows::<JsonRows>(set).map_err(|error| Failure::lasting(DOING, error))?;
    rows.into_iter().try_for_each(|(kind, rows)| session.write(DOING, statement(kind), rows))
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
