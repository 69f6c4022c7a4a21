//! Rows that are arguments of one statement.

use super::WriteColumns;

/// Rows that are one argument, or one list of arguments, of a statement.
pub(in crate::stores) trait RowList: Default {
    type Row<'a>: WriteColumns
    where
        Self: 'a;

    /// Adds a row.
    fn push(&mut self, put: impl FnOnce(&mut Self::Row<'_>));

    /// Returns whether there is no row.
    fn is_empty(&self) -> bool;
}
