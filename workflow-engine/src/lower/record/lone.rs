//! A record with one field, the most frequent kind.

use std::fmt;

use super::list::{At, FieldShape, Listed, Shape, Values};
use super::traits::Field;
use crate::value::Storable;

/// A structure with one field, which has a key. This one trait replaces [`Listed`] and [`Field`], because rustc checks every
/// generated item again after each edit.
pub trait Lone: Sized {
    /// The field's type.
    type Type: Storable;

    /// The properties of the structure other than the field's type.
    const SHAPE: LoneShape<Self, Self::Type>;

    /// Returns the field's default, if the shape has one.
    #[must_use]
    fn default() -> Self::Type {
        unreachable!("this field has no default")
    }
}

/// The properties of a record with one field, other than the field's type.
pub struct LoneShape<R, T> {
    /// The type's name.
    pub name: &'static str,
    /// Whether an unknown key is an error.
    pub strict: bool,
    /// The one key.
    pub keys: &'static [&'static str],
    /// The one field.
    pub fields: &'static [FieldShape],
    /// Returns the field of a structure.
    pub of: fn(&R) -> &T,
    /// Makes the structure from the value.
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
