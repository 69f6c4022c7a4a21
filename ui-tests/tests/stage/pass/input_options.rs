//! Rules of inputs and the keys of fields.
#![deny(warnings)]
#![allow(dead_code)]

use workflow_engine::prelude::*;

/// One field.
#[stage]
async fn one(#[input(rename = "filePath", length(1..), pattern = "^/")] path: String) -> StageResult<String> {
    Ok(path)
}

/// Several fields, of which one is written as it is.
#[stage(rename_all = "SCREAMING-KEBAB-CASE", check = done)]
async fn several(
    file_path: String,
    #[input(range(1..=9), rename = "depth")] max_depth: Option<u32>,
    #[input] r#type: String,
    #[config(rename = "limit", range(1..))] max_length: u32,
) -> StageResult<u32> {
    let _ = (file_path, max_depth, r#type, max_length);
    Ok(1)
}

#[check(rename_all = "camelCase")]
async fn done(ticket: &u32, #[config(default = 2)] max_polls: u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(ticket + max_polls))
}

workflow! {
    First = one;

    #[workflow(unknown_input = ignore)]
    Second = several;

    #[workflow(unknown_input = deny)]
    Third = one
}

pub fn main() {
    let keys = |schema: schemars::Schema| -> Vec<String> {
        schema.to_value()["properties"].as_object().expect("an object").keys().cloned().collect()
    };
    let stage = &Second::definition().stages[0];
    assert_eq!(keys(stage.input_schema()), ["FILE-PATH", "TYPE", "depth"]);
    assert_eq!(keys(stage.config_schema()), ["limit", "maxPolls"]);
    let schema = First::definition().input_schema().to_value();
    assert_eq!(schema["properties"]["filePath"]["pattern"], "^/");
    assert_eq!(OneInput::from("/a".to_owned()).path, "/a");
    assert_eq!(Second::definition().to_json()["unknown_input"], "ignore");
    assert_eq!(Third::definition().to_json()["unknown_input"], "deny");
}
