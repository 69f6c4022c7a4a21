//! Values that the program provides to its stages.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// A map from types to values, one value for each type. Clones share the values.
#[derive(Clone, Default)]
pub struct Extensions {
    values: Arc<HashMap<TypeId, Extension>>,
}

#[derive(Clone)]
struct Extension {
    /// `None` for a value of the library itself, of which a program cannot write the type.
    type_name: Option<&'static str>,
    value: Arc<dyn Any + Send + Sync>,
}

impl Extensions {
    /// Inserts a value and replaces an earlier one of the same type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.insert_named(value, Some(type_name::<T>()));
    }

    /// Inserts a value of the library itself, which messages do not name.
    #[cfg(feature = "testing")]
    pub(crate) fn insert_internal<T: Send + Sync + 'static>(&mut self, value: T) {
        self.insert_named(value, None);
    }

    fn insert_named<T: Send + Sync + 'static>(&mut self, value: T, type_name: Option<&'static str>) {
        let extension = Extension { type_name, value: Arc::new(value) };
        Arc::make_mut(&mut self.values).insert(TypeId::of::<T>(), extension);
    }

    /// Returns the value of this type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.value.downcast_ref()
    }

    /// Returns whether there is a value of the type with this id.
    #[must_use]
    pub fn contains(&self, type_id: TypeId) -> bool {
        self.values.contains_key(&type_id)
    }

    /// The names of the program's types, in order.
    pub(crate) fn type_names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.values.values().filter_map(|extension| extension.type_name).collect();
        names.sort_unstable();
        names
    }
}

impl fmt::Debug for Extensions {
    /// Shows the types alone, since a value may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.type_names()).finish()
    }
}
