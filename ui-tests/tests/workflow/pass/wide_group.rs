//! More than sixteen branches: what follows takes a list, or takes nothing and requires what it needs.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(n: u32) -> StageResult<u32> {
    Ok(n)
}

macro_rules! branches {
    ($($name:ident)*) => {$(
        #[stage]
        pub async fn $name(length: u32) -> StageResult<u32> {
            Ok(length)
        }
    )*};
}

branches!(b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12 b13 b14 b15 b16);

#[stage]
pub async fn join(#[require(b0)] first: u32, #[require(b16)] last: &u32) -> StageResult<u32> {
    Ok(first + last)
}

#[stage]
pub async fn total(lengths: Vec<u32>) -> StageResult<u32> {
    Ok(lengths.into_iter().sum())
}

#[stage]
pub async fn name(length: u32) -> StageResult<String> {
    Ok(length.to_string())
}

#[stage]
pub async fn both(lengths: Vec<u32>, name: String) -> StageResult<usize> {
    Ok(lengths.len() + name.len())
}

workflow! {
    pub sum = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16] >> total;
    pub nested = load
        >> [[b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16], name]
        >> both;
    pub end = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16];
    pub mixed = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16, name] >> join
}

workflow! { pub fan = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16] >> join }

pub fn main() {
    let join = fan::definition().stage("join").unwrap();
    assert_eq!((join.predecessors.len(), &join.reads), (17, &vec![1, 17]));
    let schema = end::definition().output_schema();
    let schema = schema.as_value();
    assert_eq!((&schema["type"], &schema["minItems"], &schema["items"]["type"]), (&"array".into(), &17.into(), &"integer".into()));
    let stored: Vec<workflow_engine::Json> = (0..17).map(|n| workflow_engine::Json::encode(&n).unwrap()).collect();
    let output: Vec<u32> = end::decode_output(&stored).unwrap();
    assert_eq!(output, (0..17).collect::<Vec<u32>>());
}
