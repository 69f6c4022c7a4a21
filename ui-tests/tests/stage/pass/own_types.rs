//! The library's own values as inputs, configuration and outputs.
#![deny(warnings)]

use workflow_engine::prelude::*;
use workflow_engine::{Cost, Json, LogLevel, RunId};

#[stage]
pub async fn follow(
    run: RunId,
    paid: Cost,
    level: LogLevel,
    status: Status,
    raw: Json,
    note: Option<workflow_engine::Annotation>,
    #[config(default = Cost::ZERO)] limit: Cost,
    #[config] parent: Option<RunId>,
) -> StageResult<Vec<(RunId, Cost, Status, Json)>> {
    let _ = (level, note, limit, parent);
    Ok(vec![(run, paid, status, raw)])
}

pub fn main() {
    let input = FollowInput {
        run: RunId::generate(),
        paid: "0.25 USD".parse().expect("it is an amount"),
        level: LogLevel::Warn,
        status: Status::Completed,
        raw: Json::parse(r#"{"a":[1,2.50]}"#).expect("it is JSON"),
        note: None,
    };
    let text = Json::encode(&input).expect("it can be stored");
    let read: FollowInput = text.decode().expect("it can be read");
    assert_eq!(Json::encode(&read).expect("it can be stored"), text);
    assert_eq!((read.run, read.level), (input.run, LogLevel::Warn));

    let schema = schemars::schema_for!(FollowInput);
    let properties = &schema.as_value()["properties"];
    assert_eq!(properties["run"]["format"], "uuid");
    assert_eq!(properties["paid"]["type"], "string");
}
