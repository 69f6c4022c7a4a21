//! Lists the actions from outside, which are annotations.

use super::PostgresStore;
use super::arrays::number;
use super::columns;
use crate::error::Error;
use crate::records::AnnotationRecord;
use crate::stores::rows::annotation_columns;

/// The condition is that of the index.
const ACTIONS: &str = concat!(
    "SELECT ",
    annotation_columns!(array_row),
    " FROM {schema}.workflow_annotations AS a
    WHERE a.key >= 'operator.' AND a.key < 'operator/' AND a.id < $1 ORDER BY a.id DESC LIMIT $2"
);

impl PostgresStore {
    pub(super) async fn read_actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let (before, limit) = (before.map_or(i64::MAX, number), number(limit));
        let rows =
            self.inspect("read actions", move |database| database.query(ACTIONS).bind(before).bind(limit));
        Ok(columns::records(&rows.await?)?)
    }
}
