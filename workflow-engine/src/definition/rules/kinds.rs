//! Which rules a type can have.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

/// A type that is stored as a number, for the rule `range(…)`. Implement it for your own number types.
#[diagnostic::on_unimplemented(
    message = "`range(…)` needs a number, but `{Self}` is not one",
    label = "not a number",
    note = "if a type of your own is stored as a number, implement `workflow_engine::definition::HasRange` for it"
)]
pub trait HasRange {
    /// Always `true`.
    const IS_NUMBER: bool = true;
}

/// A type that is stored as a string, for the rule `pattern = "…"`. Implement it for your own string types.
#[diagnostic::on_unimplemented(
    message = "`pattern` needs a string, but `{Self}` is not one",
    label = "not a string",
    note = "if a type of your own is stored as a string, implement `workflow_engine::definition::HasPattern` for it"
)]
pub trait HasPattern {
    /// Always `true`.
    const IS_TEXT: bool = true;
}

/// A type with a length, for the rule `length(…)`. Implement it for your own string and collection types.
#[diagnostic::on_unimplemented(
    message = "`length(…)` needs a string or a collection, but `{Self}` is neither",
    label = "has no length",
    note = "if a type of your own is stored as a string or a list, implement `workflow_engine::definition::HasLength` for it"
)]
pub trait HasLength {
    /// The unit of the length.
    const UNIT: LengthUnit;
}

/// The unit of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthUnit {
    /// The characters of a string.
    Characters,
    /// The items of a list.
    Items,
    /// The entries of a map.
    Entries,
}

impl LengthUnit {
    /// The keywords of JSON Schema for the minimum and the maximum.
    pub(crate) const fn keywords(self) -> [&'static str; 2] {
        match self {
            Self::Characters => ["minLength", "maxLength"],
            Self::Items => ["minItems", "maxItems"],
            Self::Entries => ["minProperties", "maxProperties"],
        }
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(#[diagnostic::do_not_recommend] impl HasRange for $number {})*};
}

numbers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 }
numbers! {
    std::num::NonZeroU8 std::num::NonZeroU16 std::num::NonZeroU32 std::num::NonZeroU64 std::num::NonZeroUsize
}

#[diagnostic::do_not_recommend]
impl HasPattern for String {}
#[diagnostic::do_not_recommend]
impl HasPattern for Box<str> {}

#[diagnostic::do_not_recommend]
impl HasLength for String {
    const UNIT: LengthUnit = LengthUnit::Characters;
}

#[diagnostic::do_not_recommend]
impl HasLength for Box<str> {
    const UNIT: LengthUnit = LengthUnit::Characters;
}

#[diagnostic::do_not_recommend]
impl<T, const N: usize> HasLength for [T; N] {
    const UNIT: LengthUnit = LengthUnit::Items;
}

macro_rules! collections {
    ($($collection:ident<$($parameter:ident),*> = $unit:ident;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($parameter),*> HasLength for $collection<$($parameter),*> {
            const UNIT: LengthUnit = LengthUnit::$unit;
        }
    )*};
}

collections! {
    Vec<T> = Items;
    VecDeque<T> = Items;
    BTreeSet<T> = Items;
    HashSet<T, S> = Items;
    BTreeMap<K, V> = Entries;
    HashMap<K, V, S> = Entries;
}

#[diagnostic::do_not_recommend]
impl<T: HasRange> HasRange for Option<T> {}
#[diagnostic::do_not_recommend]
impl<T: HasPattern> HasPattern for Option<T> {}

#[diagnostic::do_not_recommend]
impl<T: HasLength> HasLength for Option<T> {
    const UNIT: LengthUnit = T::UNIT;
}
