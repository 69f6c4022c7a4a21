//! What a stage is handed, as a type: the run's input, one output, or the tuple of a group's outputs.

use std::marker::PhantomData;

use serde::de::Error as _;

use super::json::Json;
use super::payload::Payload;
use super::stage::Stage;

/// The shape of what a stage is handed: how stored values become the value that its input is made from.
pub trait Handed: 'static {
    /// The value in memory.
    type Value: Send + 'static;

    /// Reads the value from the stored outputs, which come in writing order.
    ///
    /// # Errors
    /// When an output is not the JSON of its type, or one is lacking.
    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Self::Value, serde_json::Error>;
}

/// The run's input.
#[derive(Debug)]
pub struct Start<I>(PhantomData<I>);

/// The output of one stage.
#[derive(Debug)]
pub struct One<S>(PhantomData<S>);

/// The outputs of a group; `T` is the tuple of the branches' shapes.
#[derive(Debug)]
pub struct Group<T>(PhantomData<T>);

/// The outputs of a group of more than sixteen branches, for which there is no tuple.
#[derive(Debug)]
pub struct MoreThanSixteen;

impl<I: Payload> Handed for Start<I> {
    type Value = I;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<I, serde_json::Error> {
        next(stored)?.decode().map_err(|error| context("the run's input", &error))
    }
}

impl<S: Stage> Handed for One<S> {
    type Value = S::Output;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<S::Output, serde_json::Error> {
        decode_output::<S>(next(stored)?)
    }
}

impl Handed for MoreThanSixteen {
    type Value = Self;

    fn decode(_: &mut dyn Iterator<Item = &Json>) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }
}

macro_rules! groups {
    ($($branch:ident)*) => {
        impl<$($branch: Handed),*> Handed for Group<($($branch,)*)> {
            type Value = ($($branch::Value,)*);

            fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Self::Value, serde_json::Error> {
                Ok(($($branch::decode(stored)?,)*))
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

/// Reads the stored output of the stage `S`.
pub(super) fn decode_output<S: Stage>(json: &Json) -> Result<S::Output, serde_json::Error> {
    json.decode().map_err(|error| {
        let of = format!(
            "the output of stage `{}` as `{}`",
            S::DECLARATION.id,
            std::any::type_name::<S::Output>()
        );
        context(&of, &error)
    })
}

fn next<'a>(stored: &mut dyn Iterator<Item = &'a Json>) -> Result<&'a Json, serde_json::Error> {
    stored
        .next()
        .ok_or_else(|| serde_json::Error::custom("fewer values were handed on than the graph has edges"))
}

fn context(what: &str, error: &serde_json::Error) -> serde_json::Error {
    serde_json::Error::custom(format_args!("cannot read {what}: {error}"))
}
