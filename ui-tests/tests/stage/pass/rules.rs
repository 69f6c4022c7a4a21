//! Rules of every kind, on types of every kind.
#![deny(warnings)]
#![allow(dead_code)]

use std::collections::{BTreeMap, HashSet};

use workflow_engine::prelude::*;
use workflow_engine::definition::{HasLength, HasPattern, HasRange, LengthUnit};

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Percent(f32);

impl HasRange for Percent {}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Language(String);

impl HasPattern for Language {}

impl HasLength for Language {
    const UNIT: LengthUnit = LengthUnit::Characters;
}

#[stage]
async fn load(
    #[config(range(-5..=5))] whole: i32,
    #[config(default = Percent(0.5), range(-0.5..1_000.0))] percent: Percent,
    #[config(range(..=10))] most: Option<u64>,
    #[config(default = String::new(), length(..=64))] name: String,
    #[config(length(1..8), pattern = r"^[a-z]+$")] language: Option<Language>,
    #[config(length(1..))] tags: Vec<u32>,
    #[config(length(..=3))] set: HashSet<u32>,
    #[config(length(..3))] map: BTreeMap<String, u32>,
    #[config(length(2..=2))] pair: [u8; 2],
) -> StageResult<u32> {
    let _ = (whole, percent, most, name, language, tags, set, map, pair);
    Ok(1)
}

workflow! { loading = load }

pub fn main() {
    let schema = loading::definition().stages[0].config_schema().to_value();
    assert_eq!(schema["properties"]["whole"]["minimum"], -5);
    assert_eq!(schema["properties"]["language"]["maxLength"], 7);
    assert_eq!(schema["properties"]["map"]["maxProperties"], 2);
}
