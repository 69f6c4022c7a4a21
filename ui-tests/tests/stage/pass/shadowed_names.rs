//! The user's own types and modules may be called like those of the standard library.
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types)]

use workflow_engine::prelude::{StageContext, StageResult, stage, workflow};

mod core {}
mod std {}
mod alloc {}
mod serde_json {}

pub struct Result;
pub struct Option;
pub struct Vec;
pub struct Box;
pub struct Ok;
pub struct Err;
pub struct Some;
pub struct None;
pub struct usize_;
pub trait Send {}
pub trait Sync {}
pub trait Sized {}
pub trait Clone {}
pub trait Default {}
pub trait From {}
pub trait Into {}
pub trait Debug {}
pub trait Iterator {}
pub trait Stage {}
pub trait Workflow {}
pub trait Serialize {}
pub trait Deserialize {}
pub trait JsonSchema {}

#[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
pub struct String {
    text: u8,
}

#[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
pub struct __V;
#[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
pub struct __A;

#[stage]
pub async fn first(input: String, config: __V, #[config(default = __A)] context: __A) -> StageResult<String> {
    let _ = (config, context);
    ::core::result::Result::Ok(input)
}

#[stage(require(first))]
pub async fn second(
    reader: String,
    #[config(default = 1)] slot_0: u32,
    #[config(default = slot_0())] index: u32,
    ctx: &StageContext<second>,
) -> StageResult<String> {
    let _ = (slot_0, index, ctx.require::<first>().text);
    ::core::result::Result::Ok(reader)
}

fn slot_0() -> u32 {
    7
}

workflow! { pub both = first >> second }

pub fn main() {
    let config = <SecondConfig as ::core::default::Default>::default();
    assert_eq!((config.slot_0, config.index), (1, 7));
}
