//! Tests of the graph that a stored definition has.

use super::*;
use crate::prelude::*;

#[stage(retry(max_attempts = 7))]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage(budget = "0.25 USD")]
async fn count(text: String) -> StageResult<usize> {
    Ok(text.len())
}

#[stage]
async fn shout(text: String) -> StageResult<String> {
    Ok(text.to_uppercase())
}

workflow! { Measuring = load >> [count, shout] }

#[test]
fn a_stored_definition_has_the_graph_of_the_definition_itself() {
    let definition = Measuring::definition();
    let stored = Json::write(&definition.to_json()).unwrap();
    assert_eq!(RunGraph::parse(&stored).unwrap(), RunGraph::of(definition));
}
