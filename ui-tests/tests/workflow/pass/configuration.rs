//! The configuration of a workflow: typed, with defaults where every field has one.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config] region: String) -> StageResult<String> {
    Ok(path + &region)
}

#[stage]
pub async fn count(text: String, #[config(default = 10)] limit: usize) -> StageResult<usize> {
    Ok(text.len().min(limit))
}

workflow! { pub measure = load >> count }

pub fn main() {
    let config = MeasureConfig {
        load: LoadConfig { region: "eu".into() },
        count: Default::default(),
    };
    let json = r#"MeasureConfig {"load":{"region":"eu"},"count":{"limit":10}}"#;
    assert_eq!(format!("{config:?}"), json);
    let schema = measure::definition().config_schema();
    assert_eq!(schema.get("required").unwrap().as_array().unwrap().len(), 1);
    assert_eq!(measure::definition().default_config()[0].1, None);
}
