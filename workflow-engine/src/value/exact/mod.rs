//! The check that a value survives its stored form: what is read back is the value that was stored.
//!
//! JSON has no form for some values that Rust has: `NaN`, `Some(None)`, an untagged enum whose variants look alike. serde
//! writes them all the same, as something else. That a text can be decoded therefore proves nothing, and comparing texts
//! proves little: `Some(NaN)` and the `None` that is read back have the same one. So the value and what is read back are
//! compared by what they tell a serializer, types and names included.

mod digest;
mod part;
mod recorder;
mod hash;
mod lossy;
mod path;
mod trace;
mod deep_drop;
#[cfg(test)]
mod tests;

pub(crate) use deep_drop::deep_drop;
pub(crate) use lossy::Lossy;

use serde::Serialize;

use self::recorder::Rules;
use self::trace::Trace;
use super::json::Json;
use super::payload::{Storable, Stored};
use crate::error::ErrorCode;

/// Returns the stored form of a value that is read back as the same value.
///
/// # Errors
/// If it cannot be written or read back, or would be read back as another value.
pub(crate) fn keep<T: Storable>(value: &T) -> Result<Json, Lossy> {
    let value = &Stored(value);
    // Before anything else, because it limits the depth: serde_json's own writer would overflow the stack.
    let before = digest(value, Rules::Typed)?;
    let json = write(value)?;
    let back: T = match json.load() {
        Ok(back) => back,
        Err(error) => return Err(unreadable(value, &json, &error)),
    };
    let back = &Stored(&back);
    if digest(back, Rules::Typed)? == before { Ok(json) } else { Err(changed(value, back)) }
}

/// Returns the stored form of a value whose type at the reader is unknown. It refuses what no type distinguishes: numbers
/// that are not finite, and `Some` of a value that is `null` itself.
///
/// # Errors
/// If the value cannot be written, or if a part of it would be lost.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json, Lossy> {
    digest(value, Rules::Untyped)?;
    write(value)
}

/// Returns the JSON of a value that people read, such as the fields of a log line: `NaN` becomes `null`.
///
/// # Errors
/// If the value cannot be written or is nested too deeply.
pub(crate) fn encode_leniently<T: Serialize + ?Sized>(value: &T) -> Result<Json, Lossy> {
    digest(value, Rules::Typed)?;
    write(value)
}

/// Returns the value, or `null` in the place of one that is nested too deeply, which is dropped without overflowing the
/// stack.
#[cfg(feature = "ai")]
pub(crate) fn bounded(value: serde_json::Value) -> serde_json::Value {
    if digest::digest(&value, Rules::Typed).is_ok() {
        return value;
    }
    deep_drop(value);
    serde_json::Value::Null
}

/// Returns the path to the place at which a value could not be read from compact JSON text; empty for the value itself.
pub(crate) fn path_of(json: &str, error: &serde_json::Error) -> String {
    path::path_at(json, error.line(), error.column())
}

/// Returns the digest of a value, or the fault with its path.
fn digest<T: Serialize + ?Sized>(value: &T, rules: Rules) -> Result<u64, Lossy> {
    digest::digest(value, rules).map_err(|fault| Trace::of(value, rules).err().unwrap_or(fault))
}

fn write<T: Serialize + ?Sized>(value: &T) -> Result<Json, Lossy> {
    Json::write(value).map_err(|error| {
        // serde_json does not say where; a map whose keys are no texts is the usual reason.
        Trace::of(value, Rules::Keys).err().unwrap_or_else(|| Lossy::unreadable(String::new(), error))
    })
}

fn unreadable<T: Serialize>(value: &T, json: &Json, error: &serde_json::Error) -> Lossy {
    Trace::of(value, Rules::Untyped).err().unwrap_or_else(|| {
        let path = path::path_at(json.as_str(), error.line(), error.column());
        Lossy::unreadable(path, format_args!("it cannot be read back: {error}"))
    })
}

/// Returns the first difference between a value and what is read back.
fn changed<A: Serialize, B: Serialize>(value: &A, back: &B) -> Lossy {
    let (value, back) = match (Trace::of(value, Rules::Typed), Trace::of(back, Rules::Typed)) {
        (Ok(value), Ok(back)) => (value, back),
        (Err(fault), _) | (_, Err(fault)) => return fault,
    };
    let (path, before, after) = value.difference(&back);
    Lossy::new(ErrorCode::PayloadChanged, path, format!("{before} would be read back as {after}"))
}
