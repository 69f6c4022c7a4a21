//! Fields and outputs of many kinds.
#![deny(warnings)]

use std::collections::{BTreeMap, HashMap};

use workflow_engine::prelude::*;

mod shapes {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    pub enum Shape {
        Circle { radius: f64 },
        Square(f64),
    }
}

#[stage]
pub async fn draw(
    shapes: Vec<shapes::Shape>,
    by_name: HashMap<String, Option<shapes::Shape>>,
    pair: (u8, String),
    array: [i64; 3],
    nested: Option<Option<Vec<Box<str>>>>,
    #[config(default = BTreeMap::new())] layers: BTreeMap<String, Vec<u32>>,
    #[config(default = (1, "a".to_owned()))] mark: (u32, String),
    #[config(default = f64::from(u8::MAX))] scale: f64,
) -> StageResult<BTreeMap<String, (f64, Vec<shapes::Shape>)>> {
    let _ = (by_name, pair, array, nested, layers, mark);
    Ok(BTreeMap::from([("all".to_owned(), (scale, shapes))]))
}

pub fn main() {
    assert_eq!(DrawConfig::default().mark, (1, "a".to_owned()));
}
