//! The digest of one part of a value, and its kinds.

/// The digest of one part.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) hash: u64,
    pub(super) is_null: bool,
}

/// The kinds of parts that carry no other name.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Kind {
    Bool = 1,
    Text,
    Char,
    Bytes,
    None,
    Some,
    Unit,
    UnitStruct,
    Newtype,
    Variant,
    Sequence,
    Tuple,
    Map,
    Struct,
    Integer,
    Float,
}
