//! Tests of the graph that a stored definition has.

use super::*;
use crate::Json;
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
    assert_eq!(Graph::parse(&stored).unwrap(), Graph::of(definition));
}

#[stage]
async fn find(path: String) -> StageResult<Option<String>> {
    Ok(Some(path))
}

workflow! { Choosing = match find { Some(text) => count, None => () }; Catching = catch(load) }

#[test]
fn a_stored_definition_with_choices_or_catches_is_not_enough() {
    for definition in [Choosing::definition(), Catching::definition()] {
        let stored = Json::write(&definition.to_json()).unwrap();
        let graph = Graph::parse(&stored).unwrap();
        assert_eq!(graph, Graph::of(definition));
        assert!(graph.has_choices_or_catches());
    }
}
