//! Keys of stages as arguments.

use uuid::Uuid;

use super::arrays::PgQuery;
use super::text::stored;
use crate::value::{RunId, StageKey};

/// The keys of stages of runs, one array a column: the run, the id and the place.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyColumns {
    runs: Vec<Uuid>,
    ids: Vec<String>,
    places: Vec<String>,
}

impl KeyColumns {
    /// Returns the columns of these keys, in the same order.
    pub(super) fn of<'a>(keys: impl Iterator<Item = (RunId, &'a StageKey)>) -> Self {
        let mut columns = Self::default();
        for (run_id, key) in keys {
            let (id, place) = named(key);
            columns.runs.push(*run_id.as_uuid());
            columns.ids.push(id);
            columns.places.push(place);
        }
        columns
    }

    /// Binds the columns, as three arguments.
    pub(super) fn bind(self, query: PgQuery<'static>) -> PgQuery<'static> {
        query.bind(self.runs).bind(self.ids).bind(self.places)
    }
}

/// Returns the id and the place of a stage.
pub(super) fn named(key: &StageKey) -> (String, String) {
    (stored(&key.id).into_owned(), key.place.column())
}

/// Returns the stage and the place of a filter. An empty place selects every place of the stage.
pub(super) fn selected(key: Option<&StageKey>) -> (Option<String>, String) {
    key.map(named).map_or_else(Default::default, |(id, place)| (Some(id), place))
}
