//! A tracked row: a row with whether it is stored and whether the transaction has changed it.

/// A row that may exist, with whether it is stored and whether the transaction has changed it.
#[derive(Clone, Debug)]
pub(in crate::stores) struct Tracked<T> {
    value: Option<T>,
    stored: bool,
    dirty: bool,
}

/// The operation that writes a row back.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stores) enum RowOp<'a, T> {
    Keep,
    Insert(&'a T),
    Update(&'a T),
    Delete,
}

impl<T> Tracked<T> {
    /// Creates a row as the store holds it.
    pub(in crate::stores) fn stored(value: T) -> Self {
        Self { value: Some(value), stored: true, dirty: false }
    }

    /// Creates a record that is not stored as a row of its own.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn implicit(value: Option<T>) -> Self {
        Self { value, stored: false, dirty: false }
    }

    /// Returns the row, if it exists.
    pub(in crate::stores) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Takes the row, if it exists.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only SQLite caches rows in this form"))]
    pub(in crate::stores) fn into_inner(self) -> Option<T> {
        self.value
    }

    /// Returns the row for a change, if it exists.
    pub(in crate::stores) fn get_mut(&mut self) -> Option<&mut T> {
        self.dirty = true;
        self.value.as_mut()
    }

    /// Inserts or replaces the row.
    pub(in crate::stores) fn set(&mut self, value: T) -> &mut T {
        self.dirty = true;
        self.value.insert(value)
    }

    /// Deletes the row.
    pub(in crate::stores) fn delete(&mut self) {
        self.dirty = true;
        self.value = None;
    }

    /// Notes that the changes are committed.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn settle(&mut self) {
        if self.dirty {
            self.stored = self.value.is_some();
            self.dirty = false;
        }
    }

    /// Returns whether the store has a row of it.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn is_stored(&self) -> bool {
        self.stored
    }

    /// Returns whether the transaction has changed it.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn is_changed(&self) -> bool {
        self.dirty
    }

    /// Notes that it is written without a row.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn forgo_row(&mut self) {
        self.dirty = false;
    }

    /// Has it written as a row, where it has none yet.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(in crate::stores) fn require_row(&mut self) {
        self.dirty |= !self.stored;
    }

    /// Returns the operation that writes the row back.
    pub(in crate::stores) fn row_op(&self) -> RowOp<'_, T> {
        match (&self.value, self.stored) {
            _ if !self.dirty => RowOp::Keep,
            (Some(value), false) => RowOp::Insert(value),
            (Some(value), true) => RowOp::Update(value),
            (None, true) => RowOp::Delete,
            (None, false) => RowOp::Keep,
        }
    }
}

impl<T> Default for Tracked<T> {
    fn default() -> Self {
        Self { value: None, stored: false, dirty: false }
    }
}
