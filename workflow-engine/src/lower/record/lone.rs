//! A record of one field, as most are.

use std::fmt;

use super::list::{At, FieldShape, Listed, Shape, Values};
use super::traits::Field;
use crate::value::Storable;

/// A structure of one field, which has a key: one implementation says what [`Listed`] and [`Field`] say elsewhere,
/// because every item that is generated costs time after every edit.
pub trait Lone: Sized {
    /// The field's type.
    type Type: Storable;

    /// What is to be known of it beside its type.
    const SHAPE: LoneShape<Self, Self::Type>;

    /// The field's default, where the shape says that it has one.
    #[must_use]
    fn default() -> Self::Type {
        unreachable!("the shape says that this field has no default")
    }
}

/// What is to be known of a record of one field beside the field's type.
pub struct LoneShape<R, T> {
    /// The type's name.
    pub name: &'static str,
    /// Whether an unknown key is an error.
    pub strict: bool,
    /// The key, alone.
    pub keys: &'static [&'static str],
    /// The field, alone.
    pub fields: &'static [FieldShape],
    /// The field of a structure.
    pub of: fn(&R) -> &T,
    /// Puts the structure together.
    pub make: fn(T) -> R,
}

impl<R, T> fmt::Debug for LoneShape<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoneShape")
            .field("name", &self.name)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl<R: Lone> Field<0> for R {
    type Type = R::Type;

    fn of(&self) -> &R::Type {
        (<R as Lone>::SHAPE.of)(self)
    }

    fn default() -> R::Type {
        <R as Lone>::default()
    }
}

impl<R: Lone> Listed for R {
    type Fields = (At<0>, ());
    type Parameters = R::Type;
    const SHAPE: Shape = {
        let LoneShape { name, strict, keys, fields, .. } = <R as Lone>::SHAPE;
        Shape { name, strict, keys, fields }
    };

    fn make((value, ()): Values<Self>) -> Self {
        (<R as Lone>::SHAPE.make)(value)
    }
}
