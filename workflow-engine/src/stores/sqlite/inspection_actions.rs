//! Lists the actions from outside, which are annotations.

use super::SqliteStore;
use super::arguments::count;
use super::columns::records;
use crate::error::Error;
use crate::records::AnnotationRecord;
use crate::stores::rows::annotation_columns;

/// The condition is that of the index.
const ACTIONS: &str = concat!(
    "SELECT ",
    annotation_columns!(flat_row),
    " FROM {prefix}annotations AS a INDEXED BY {prefix}annotations_actions
    WHERE a.key >= 'operator.' AND a.key < 'operator/' AND a.id < ?1
    ORDER BY a.id DESC LIMIT ?2"
);

/// The statement of this file, for the test of its query plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[ACTIONS];

impl SqliteStore {
    pub(super) async fn read_actions(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let query = self.query(ACTIONS).bind(before).bind(count(limit));
        Ok(records(&self.inspect("read actions", query).await?)?)
    }
}
