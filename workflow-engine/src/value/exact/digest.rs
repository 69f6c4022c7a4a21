//! The digest of a value: a hash of everything that it tells a serializer, with the names and types that JSON omits.
//!
//! The order of sequences does not count, because a hash set has another one each time it is read.

use std::cell::RefCell;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::hash::{bytes, mix};
use super::lossy::Lossy;
use super::part::{Kind, Part};
use super::path::Step;
use super::recorder::{Recorder, Rules, key_text};
use crate::value::MAX_DEPTH;

/// The deepest recursion of `Serialize` through wrappers, which need no level in JSON.
const MAX_WRAPPERS: usize = 4 * MAX_DEPTH;

/// Returns the digest of a value.
pub(super) fn digest<T: Serialize + ?Sized>(value: &T, rules: Rules) -> Result<u64, Lossy> {
    digest_with(value, rules, None)
}

/// As [`digest`], recording each part.
pub(super) fn digest_with<T: Serialize + ?Sized>(
    value: &T,
    rules: Rules,
    recorder: Option<&RefCell<Recorder>>,
) -> Result<u64, Lossy> {
    value.serialize(Digest { rules, recorder, depth: 0, wrappers: 0 }).map(|part| part.hash)
}

#[derive(Clone, Copy)]
struct Digest<'a> {
    rules: Rules,
    recorder: Option<&'a RefCell<Recorder>>,
    depth: usize,
    wrappers: usize,
}

impl<'a> Digest<'a> {
    fn leaf(self, kind: Kind, bits: u64, shown: impl FnOnce() -> String) -> Part {
        let hash = mix(kind as u64, bits);
        self.record(shown, hash);
        Part { hash, is_null: matches!(kind, Kind::None | Kind::Unit | Kind::UnitStruct) }
    }

    fn record(self, shown: impl FnOnce() -> String, hash: u64) -> usize {
        self.recorder.map_or(0, |recorder| recorder.borrow_mut().part(shown(), hash))
    }

    fn float(self, name: &str, number: f64) -> Result<Part, Lossy> {
        if !number.is_finite() && self.rules == Rules::Untyped {
            return Err(Lossy::not_finite(number));
        }
        // Each `NaN` is the same value.
        let bits = if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
        Ok(self.leaf(Kind::Float, mix(bytes(name.as_bytes()), bits), || format!("{number:?} ({name})")))
    }

    /// A value in a wrapper that has no level in JSON.
    fn wrapped(self) -> Result<Self, Lossy> {
        if self.wrappers >= MAX_WRAPPERS {
            return Err(Lossy::too_deep());
        }
        Ok(Self { wrappers: self.wrappers + 1, ..self })
    }

    /// A sequence, map or structure, which takes this number of levels in JSON.
    fn parts(self, kind: Kind, name: &str, levels: usize, what: &str) -> Result<Parts<'a>, Lossy> {
        let depth = self.depth + levels;
        if depth > MAX_DEPTH {
            return Err(Lossy::too_deep());
        }
        let tag = mix(kind as u64, bytes(name.as_bytes()));
        self.record(|| if name.is_empty() { what.to_owned() } else { name.to_owned() }, tag);
        Ok(Parts::new(Self { depth, ..self }, tag))
    }

    /// Serializes a value at a place.
    fn child<T: Serialize + ?Sized>(self, step: impl FnOnce() -> Step, value: &T) -> Result<Part, Lossy> {
        let Some(recorder) = self.recorder else { return value.serialize(self) };
        recorder.borrow_mut().enter(step());
        let part = value.serialize(self)?;
        recorder.borrow_mut().leave();
        Ok(part)
    }

    /// The digest of a map's key, which is not a part of its own, and the step to its value.
    fn key<T: Serialize + ?Sized>(self, key: &T) -> Result<(u64, Step), Lossy> {
        let hash = key.serialize(Self { recorder: None, ..self })?.hash;
        let mut step = Step::Index(0);
        if self.recorder.is_some() {
            step = Step::Key(key_text(key, self.rules)?);
        }
        Ok((hash, step))
    }
}

macro_rules! integers {
    ($($method:ident $type:ident)*) => {
        $(fn $method(self, number: $type) -> Result<Part, Lossy> {
            let bits = mix(bytes(stringify!($type).as_bytes()), bytes(&number.to_le_bytes()));
            Ok(self.leaf(Kind::Integer, bits, || format!("{number} ({})", stringify!($type))))
        })*
    };
}

impl<'a> Serializer for Digest<'a> {
    type Ok = Part;
    type Error = Lossy;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    integers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::Bool, value.into(), || value.to_string()))
    }

    fn serialize_f32(self, value: f32) -> Result<Part, Lossy> {
        self.float("f32", value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Part, Lossy> {
        self.float("f64", value)
    }

    fn serialize_char(self, value: char) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::Char, u64::from(value), || "a character".to_owned()))
    }

    fn serialize_str(self, value: &str) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::Text, bytes(value.as_bytes()), || "a text".to_owned()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::Bytes, bytes(value), || "bytes".to_owned()))
    }

    fn serialize_none(self) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::None, 0, || "None".to_owned()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Part, Lossy> {
        let some = self.record(|| "Some".to_owned(), 0);
        let inner = value.serialize(self.wrapped()?)?;
        if inner.is_null && self.rules == Rules::Untyped {
            return Err(Lossy::some_of_null());
        }
        if let Some(recorder) = self.recorder {
            recorder.borrow_mut().wrap(some);
        }
        Ok(Part { hash: mix(Kind::Some as u64, inner.hash), is_null: inner.is_null })
    }

    fn serialize_unit(self) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::Unit, 0, || "()".to_owned()))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Part, Lossy> {
        Ok(self.leaf(Kind::UnitStruct, bytes(name.as_bytes()), || name.to_owned()))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Part, Lossy> {
        let bits = mix(bytes(name.as_bytes()), bytes(variant.as_bytes()));
        Ok(self.leaf(Kind::Variant, bits, || format!("{name}::{variant}")))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Part, Lossy> {
        let hash = mix(Kind::Newtype as u64, bytes(name.as_bytes()));
        self.record(|| name.to_owned(), hash);
        let inner = value.serialize(self.wrapped()?)?;
        Ok(Part { hash: mix(hash, inner.hash), is_null: inner.is_null })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Part, Lossy> {
        let mut parts = self.parts(Kind::Variant, name, 1, "")?;
        parts.field(variant, value)?;
        Ok(parts.finish())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Lossy> {
        self.parts(Kind::Sequence, "", 1, "a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Lossy> {
        self.parts(Kind::Tuple, "", 1, "a tuple")
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Lossy> {
        self.parts(Kind::Tuple, name, 1, "")
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Lossy> {
        let parts = self.parts(Kind::Variant, name, 2, "")?;
        Ok(parts.of_variant(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Lossy> {
        self.parts(Kind::Map, "", 1, "a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Lossy> {
        self.parts(Kind::Struct, name, 1, "")
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Lossy> {
        let parts = self.parts(Kind::Variant, name, 2, "")?;
        Ok(parts.of_variant(variant))
    }
}

/// The digest of a sequence, a map or a structure that is being written. Its parts are added, so that their order does
/// not count; where it does, the place is mixed in.
struct Parts<'a> {
    digest: Digest<'a>,
    tag: u64,
    sum: u64,
    count: usize,
    key: u64,
}

impl<'a> Parts<'a> {
    const fn new(digest: Digest<'a>, tag: u64) -> Self {
        Self { digest, tag, sum: 0, count: 0, key: 0 }
    }

    fn of_variant(self, variant: &str) -> Self {
        Self { tag: mix(self.tag, bytes(variant.as_bytes())), ..self }
    }

    fn add(&mut self, place: u64, part: Part) {
        self.sum = self.sum.wrapping_add(mix(place, part.hash));
        self.count += 1;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T, is_ordered: bool) -> Result<(), Lossy> {
        let index = self.count;
        let part = self.digest.child(|| Step::Index(index), value)?;
        self.add(if is_ordered { index as u64 } else { 0 }, part);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Lossy> {
        let part = self.digest.child(|| Step::Key(name.to_owned()), value)?;
        self.add(bytes(name.as_bytes()), part);
        Ok(())
    }

    fn finish(self) -> Part {
        Part { hash: mix(self.tag, mix(self.sum, self.count as u64)), is_null: false }
    }
}

impl SerializeSeq for Parts<'_> {
    type Ok = Part;
    type Error = Lossy;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lossy> {
        self.element(value, false)
    }

    fn end(self) -> Result<Part, Lossy> {
        Ok(self.finish())
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = Part;
    type Error = Lossy;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Lossy> {
        let (hash, step) = self.digest.key(key)?;
        self.key = hash;
        if let Some(recorder) = self.digest.recorder {
            recorder.borrow_mut().enter(step);
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lossy> {
        let part = value.serialize(self.digest)?;
        if let Some(recorder) = self.digest.recorder {
            recorder.borrow_mut().leave();
        }
        self.add(self.key, part);
        Ok(())
    }

    fn end(self) -> Result<Part, Lossy> {
        Ok(self.finish())
    }
}

macro_rules! fields {
    ($($of:ident)*) => {
        $(impl $of for Parts<'_> {
            type Ok = Part;
            type Error = Lossy;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Lossy> {
                self.field(name, value)
            }

            fn end(self) -> Result<Part, Lossy> {
                Ok(self.finish())
            }
        })*
    };
}

macro_rules! elements {
    ($($of:ident $method:ident)*) => {
        $(impl $of for Parts<'_> {
            type Ok = Part;
            type Error = Lossy;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lossy> {
                self.element(value, true)
            }

            fn end(self) -> Result<Part, Lossy> {
                Ok(self.finish())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }
elements! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}
