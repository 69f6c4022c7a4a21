//! The value that a choice returns, as a type: the shapes of its arms.
//!
//! The value has the type of the first arm. `workflow!` compares the other arms with it, so that a difference is one
//! error: if the shapes did so too, each of them would be another.

use std::any::Any;
use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;

use super::upstream::{Upstream, next};
use crate::value::Json;

/// The value of the arm that is taken; `A` are the arms.
#[derive(Debug)]
pub struct AnyOf<A>(PhantomData<A>);

/// As [`AnyOf`], `None` from an arm that is `()`.
#[derive(Debug)]
pub struct AnyOrNone<A>(PhantomData<A>);

/// An arm that returns a value of the shape `H`, before the arms `Rest`.
#[derive(Debug)]
pub struct Arm<H, Rest>(PhantomData<(H, Rest)>);

/// An arm without stages, before the arms `Rest`.
#[derive(Debug)]
pub struct EmptyArm<Rest>(PhantomData<Rest>);

/// The end of the arms.
#[derive(Debug)]
pub struct NoArm;

/// The arms of a choice.
pub trait Arms: 'static {
    /// The value of the first arm that returns one.
    type Value: Send + 'static;

    /// Decodes the value of an arm into `value`, an `Option` of the choice's value.
    ///
    /// # Errors
    /// If a stored value is missing or is not the JSON of its type.
    fn decode(
        arm: usize,
        stored: &mut dyn Iterator<Item = &Json>,
        value: &mut dyn Any,
    ) -> Result<(), serde_json::Error>;

    /// The schema of the value.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<H: Upstream, Rest: Arms> Arms for Arm<H, Rest> {
    type Value = H::Value;

    fn decode(
        arm: usize,
        stored: &mut dyn Iterator<Item = &Json>,
        value: &mut dyn Any,
    ) -> Result<(), serde_json::Error> {
        let Some(rest) = arm.checked_sub(1) else {
            // The types differ only in a workflow that does not compile.
            if let Some(value) = value.downcast_mut::<Option<H::Value>>() {
                *value = Some(H::decode(stored)?);
            }
            return Ok(());
        };
        Rest::decode(rest, stored, value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        H::schema(generator)
    }
}

impl<Rest: Arms> Arms for EmptyArm<Rest> {
    type Value = Rest::Value;

    fn decode(
        arm: usize,
        stored: &mut dyn Iterator<Item = &Json>,
        value: &mut dyn Any,
    ) -> Result<(), serde_json::Error> {
        arm.checked_sub(1).map_or(Ok(()), |rest| Rest::decode(rest, stored, value))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Rest::schema(generator)
    }
}

impl Arms for NoArm {
    type Value = ();

    fn decode(
        _: usize,
        _: &mut dyn Iterator<Item = &Json>,
        _: &mut dyn Any,
    ) -> Result<(), serde_json::Error> {
        Err(serde_json::Error::custom("the stored arm is not one of the workflow's"))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "null" })
    }
}

impl<A: Arms> Upstream for AnyOf<A> {
    type Value = A::Value;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<A::Value, serde_json::Error> {
        decode::<A>(stored)?
            .ok_or_else(|| serde_json::Error::custom("the arm that was taken returns no value"))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        A::schema(generator)
    }
}

impl<A: Arms> Upstream for AnyOrNone<A> {
    type Value = Option<A::Value>;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Option<A::Value>, serde_json::Error> {
        decode::<A>(stored)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let value = A::schema(generator);
        json_schema!({ "anyOf": [value, { "type": "null" }] })
    }
}

fn decode<A: Arms>(stored: &mut dyn Iterator<Item = &Json>) -> Result<Option<A::Value>, serde_json::Error> {
    let arm: usize = next(stored)?.decode()?;
    let mut value: Option<A::Value> = None;
    A::decode(arm, stored, &mut value)?;
    Ok(value)
}
