//! Workflows as steps: first, last, alone, in groups, arms and catches, required by later stages, and with every form of
//! input and output.
#![deny(warnings, clippy::pedantic, missing_docs)]
#![allow(clippy::unused_async)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The price.
    pub cents: u32,
}

/// The kind of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// Packed.
    Small(u32),
    /// Not packed.
    Large,
}

/// Opens.
#[stage]
pub async fn open(cents: u32) -> StageResult<Order> {
    Ok(Order { cents })
}

/// Weighs.
#[stage]
pub async fn weigh(cents: u32, #[config(default = 2)] factor: u32) -> StageResult<u32> {
    Ok(cents * factor)
}

/// The left side.
#[stage]
pub async fn left(order: Order) -> StageResult<u32> {
    Ok(order.cents)
}

/// The right side.
#[stage]
pub async fn right(order: Order) -> StageResult<String> {
    Ok(order.cents.to_string())
}

/// Joins.
#[stage(require(Sides))]
pub async fn join(left: u32, right: String, ctx: &StageContext<join>) -> StageResult<u32> {
    let _ = (ctx.require::<Sides>(), right);
    Ok(left)
}

/// Takes nothing.
#[stage]
pub async fn tick() -> StageResult<Kind> {
    Ok(Kind::Small(1))
}

/// Explains.
#[stage]
pub async fn explain(failure: StageFailure) -> StageResult<u32> {
    Ok(failure.attempts)
}

workflow! {
    /// Weighs.
    pub Packing = weigh;
    /// Both sides.
    pub Sides(Order) = [left, right];
    /// The input of the child is of the user's type, and its output a tuple.
    pub Selling = open >> Sides >> join;
    /// A child of a child, first and alone.
    pub Reselling = Selling;
    /// A child without an input.
    pub Ticking = tick;
    /// The output of a child decides, and arms begin with children.
    pub Deciding = match Ticking { Kind::Small(cents) => Packing, Kind::Large => () };
    /// Its failure is a value.
    pub Careful = match catch(Packing) { Ok(grams) => recheck, Err(failure) => explain };
    /// Side by side.
    pub Beside(u32) = [Packing, recheck] >> add;
}

/// Checks again.
#[stage]
pub async fn recheck(grams: u32) -> StageResult<u32> {
    Ok(grams)
}

/// Adds.
#[stage]
pub async fn add(one: u32, two: u32) -> StageResult<u32> {
    Ok(one + two)
}

/// A stage that starts a run.
#[stage]
pub async fn launch(cents: u32, ctx: &StageContext) -> StageResult<String> {
    let input = PackingInput { cents };
    let config = PackingConfig { weigh: WeighConfig { factor: 3 } };
    Ok(ctx.start::<Packing>(input).config(config).priority(7).tag("by", "launch").await?.to_string())
}

workflow! {
    /// Starts.
    pub Launching = launch;
}

pub fn main() {
    let children = |definition: &workflow_engine::definition::WorkflowDefinition| {
        definition.stages.iter().map(workflow_engine::definition::StageDefinition::child_workflow_id).collect::<Vec<_>>()
    };
    assert_eq!(children(Selling::definition()), [None, Some("sides"), None]);
    assert_eq!(children(Reselling::definition()), [Some("selling")]);
    assert_eq!(children(Deciding::definition()), [Some("ticking"), Some("packing")]);
    let config = SellingConfig::default();
    let _: SidesConfig = config.sides;
    let _: fn() -> SellingInput = || ResellingInput { cents: 1 };
    let outputs: Option<SellingOutputs> = None;
    let _: Option<Option<(u32, String)>> = outputs.map(|outputs| outputs.sides);
}
