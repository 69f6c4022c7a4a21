//! The choice of an arm, the stages that begin one, and the value of a `catch`.

use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use schemars::{Schema, SchemaGenerator, json_schema};

use super::entry::run_with;
use super::upstream::{Upstream, next};
use crate::context::StageError;
use crate::definition::{ArmDefinition, CatchDefinition, ChoiceDefinition, Choose, Execution};
use crate::language::Stage;
use crate::records::StageFailure;
use crate::value::Json;

/// A choice as `workflow!` generates it.
#[derive(Debug)]
pub struct ChoiceRow {
    /// The matched stage.
    pub stage: usize,
    /// Whether the matched value is what a `catch` around the stage passes on.
    pub is_caught: bool,
    /// See [`choose`].
    pub choose: Choose,
    /// In the order in which they are written.
    pub arms: &'static [ArmRow],
}

/// A catch as `workflow!` generates it.
#[derive(Debug)]
pub struct CatchRow {
    /// Its first stage.
    pub first: usize,
    /// The stage after its last.
    pub end: usize,
    /// Whether its chain ends in a group or a `match`.
    pub ends_in_branches: bool,
}

impl CatchRow {
    pub(super) fn definition(&self) -> CatchDefinition {
        CatchDefinition { stages: self.first..self.end, ends_in_branches: self.ends_in_branches }
    }
}

/// An arm as `workflow!` generates it.
#[derive(Debug)]
pub struct ArmRow {
    pattern: &'static str,
    guard: Option<&'static str>,
    first: usize,
    end: usize,
}

impl ArmRow {
    /// An arm with this pattern and the stages from `first` to before `end`.
    #[must_use]
    pub const fn new(pattern: &'static str, first: usize, end: usize) -> Self {
        Self { pattern, guard: None, first, end }
    }

    /// The arm with this guard.
    #[must_use]
    pub const fn guarded(mut self, guard: &'static str) -> Self {
        self.guard = Some(guard);
        self
    }
}

impl ChoiceRow {
    pub(super) fn definition(&self) -> ChoiceDefinition {
        let arms = self.arms.iter().map(|arm| ArmDefinition {
            pattern: arm.pattern.to_owned(),
            guard: arm.guard.map(str::to_owned),
            stages: arm.first..arm.end,
        });
        ChoiceDefinition { arms: arms.collect(), is_caught: self.is_caught, choose: self.choose }
    }
}

/// The `match` of a choice.
pub trait Chooses {
    /// The matched type.
    type Matched;

    /// Returns the number of the arm for a value.
    fn choose(value: Self::Matched) -> usize;
}

/// Returns the arm for a stored value of the shape `H`.
///
/// # Errors
/// If it is not the JSON of its type.
pub fn choose<C: Chooses, H: Upstream<Value = C::Matched>>(
    stored: &[Json],
) -> Result<usize, serde_json::Error> {
    H::decode(&mut stored.iter()).map(C::choose)
}

/// What a `catch` passes on: the value of its chain, of the shape `H`, or why a stage in it failed.
#[derive(Debug)]
pub struct Caught<H>(PhantomData<H>);

impl<H: Upstream> Upstream for Caught<H> {
    type Value = Result<H::Value, StageFailure>;

    fn decode(stored: &mut dyn Iterator<Item = &Json>) -> Result<Self::Value, serde_json::Error> {
        match next(stored)?.decode::<Option<StageFailure>>()? {
            Some(failure) => Ok(Err(failure)),
            None => H::decode(stored).map(Ok),
        }
    }

    /// The schema of serde's `Result`.
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let (value, failure) = (H::schema(generator), generator.subschema_for::<StageFailure>());
        json_schema!({
            "oneOf": [
                { "type": "object", "properties": { "Ok": value }, "required": ["Ok"] },
                { "type": "object", "properties": { "Err": failure }, "required": ["Err"] },
            ]
        })
    }
}

/// The input of the stage `S`, which begins an arm, from the matched value.
pub trait Enters<S: Stage>: 'static {
    /// The matched type.
    type Matched;
    /// The shape of the matched value.
    type Shape: Upstream<Value = Self::Matched>;

    /// Returns the input from what the pattern of the arm binds; `None` where the pattern does not fit.
    fn enter(value: Self::Matched) -> Option<S::Input>;
}

/// Runs the stage `S` at the beginning of an arm.
#[must_use]
pub fn bound_entry<S: Stage, E: Enters<S>>(
    execution: Execution,
) -> BoxFuture<'static, Result<Json, StageError>> {
    Box::pin(run_with::<S>(execution, |stored| {
        let value = E::Shape::decode(&mut stored.iter())?;
        E::enter(value).ok_or_else(|| {
            serde::de::Error::custom("the pattern of its arm does not fit the output that chose the arm")
        })
    }))
}
