//! The digest of a sequence, a map or a structure.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::digest::{Digest, Part};
use super::hash::{bytes, mix};
use super::lossy::Lossy;
use super::path::Step;

/// The digest of a sequence, a map or a structure that is being written. Its parts are added, so that their order does
/// not count; where it does, the place is mixed in.
pub(super) struct Parts<'a> {
    digest: Digest<'a>,
    tag: u64,
    sum: u64,
    count: usize,
    key: u64,
}

impl<'a> Parts<'a> {
    pub(super) const fn new(digest: Digest<'a>, tag: u64) -> Self {
        Self { digest, tag, sum: 0, count: 0, key: 0 }
    }

    pub(super) fn of_variant(self, variant: &str) -> Self {
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

    pub(super) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Lossy> {
        let part = self.digest.child(|| Step::Key(name.to_owned()), value)?;
        self.add(bytes(name.as_bytes()), part);
        Ok(())
    }

    pub(super) fn finish(self) -> Part {
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
