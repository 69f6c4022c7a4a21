//! A workflow has no steps.

use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

// There are no steps.

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading"); //~ reading
    // Nothing is added.
    reading.validate().unwrap();
}
