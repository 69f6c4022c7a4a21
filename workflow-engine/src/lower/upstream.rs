//! The value that a stage receives, as a type: the run's input, one output, or the tuple of a group's outputs.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;

use crate::language::{Stage, Workflow};
use crate::value::{Json, Storable};

/// The shape of the value that a stage receives, which decodes it from stored values.
pub trait Upstream: 'static {
    /// The value in memory.
    type Value: Send + 'static;

    /// Whether it is the run's input.
    const IS_START: bool = false;

    /// Decodes the value from the stored outputs, in the order in which the branches are written.
    ///
    /// # Errors
    /// If an output is missing or is not the JSON of its type.
    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Self::Value, serde_json::Error>;

    /// The schema of the value.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// The input of a run of `W`.
#[derive(Debug)]
pub struct Start<W>(PhantomData<W>);

/// The output of one stage.
#[derive(Debug)]
pub struct Single<S>(PhantomData<S>);

/// The outputs of a group; `T` is the tuple of the branches' shapes.
#[derive(Debug)]
pub struct Group<T>(PhantomData<T>);

/// The outputs of a group of more than sixteen branches: a list of `N` values of the type `V`. [`ListItem`](super::edge::ListItem)
/// checks that each branch returns a `V`.
#[derive(Debug)]
pub struct List<V, const N: usize>(PhantomData<V>);

/// The outputs of a group of more than sixteen branches of which one ends with a group, which have neither a tuple nor a
/// list: only a stage that takes nothing follows. It also takes the place of a mistake.
#[derive(Debug)]
pub struct Unlisted;

impl<W: Workflow> Upstream for Start<W> {
    type Value = W::Input;
    const IS_START: bool = true;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<W::Input, serde_json::Error> {
        next(stored)?.load().map_err(|error| context("the run's input", &error))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        W::Input::sub_schema(generator)
    }
}

impl<S: Stage> Upstream for Single<S> {
    type Value = S::Output;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<S::Output, serde_json::Error> {
        decode_stage_output::<S>(next(stored)?)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        S::Output::sub_schema(generator)
    }
}

impl<V: Storable, const N: usize> Upstream for List<V, N> {
    type Value = Vec<V>;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Vec<V>, serde_json::Error> {
        let branch = |index| {
            next(stored)?.load().map_err(|error| {
                let of = format!("the output of branch {} as `{}`", index + 1, std::any::type_name::<V>());
                context(&of, &error)
            })
        };
        (0..N).map(branch).collect()
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let item = V::sub_schema(generator);
        json_schema!({ "type": "array", "items": item, "minItems": N, "maxItems": N })
    }
}

impl Upstream for Unlisted {
    type Value = Self;

    fn decode(_: &mut dyn Iterator<Item = &Json>) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "array"})
    }
}

macro_rules! groups {
    ($($branch:ident)*) => {
        impl<$($branch: Upstream),*> Upstream for Group<($($branch,)*)> {
            type Value = ($($branch::Value,)*);

            fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Self::Value, serde_json::Error> {
                Ok(($($branch::decode(stored)?,)*))
            }

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                let branches = [$($branch::schema(generator)),*];
                json_schema!({
                    "type": "array",
                    "prefixItems": branches,
                    "minItems": branches.len(),
                    "maxItems": branches.len(),
                })
            }
        }
    };
}

groups!(A B);
groups!(A B C);
groups!(A B C D);
groups!(A B C D E);
groups!(A B C D E F);
groups!(A B C D E F G);
groups!(A B C D E F G H);
groups!(A B C D E F G H I);
groups!(A B C D E F G H I J);
groups!(A B C D E F G H I J K);
groups!(A B C D E F G H I J K L);
groups!(A B C D E F G H I J K L M);
groups!(A B C D E F G H I J K L M N);
groups!(A B C D E F G H I J K L M N O);
groups!(A B C D E F G H I J K L M N O P);

/// The output of a workflow as a type with a schema.
pub(crate) struct Shaped<H>(PhantomData<H>);

impl<H: Upstream> JsonSchema for Shaped<H> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Output".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        std::any::type_name::<Self>().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        H::schema(generator)
    }
}

/// Decodes the stored output of the stage `S`.
pub(crate) fn decode_stage_output<S: Stage>(json: &Json) -> Result<S::Output, serde_json::Error> {
    json.load().map_err(|error| {
        let of = format!(
            "the output of stage `{}` as `{}`",
            S::DECLARATION.id,
            std::any::type_name::<S::Output>()
        );
        context(&of, &error)
    })
}

/// Returns the next stored value.
pub(super) fn next<'a>(stored: &mut dyn Iterator<Item = &'a Json>) -> Result<&'a Json, serde_json::Error> {
    stored.next().ok_or_else(|| serde_json::Error::custom("a stored value is missing"))
}

fn context(what: &str, error: &serde_json::Error) -> serde_json::Error {
    serde_json::Error::custom(format_args!("cannot read {what}: {error}"))
}
