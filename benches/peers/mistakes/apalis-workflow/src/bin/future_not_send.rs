//! A step holds a value that is not `Send` across an `.await`.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

async fn rank(text: String) -> Result<u64, BoxDynError> {
    let shared = std::rc::Rc::new(text);
    std::future::ready(()).await;
    Ok(shared.len() as u64)
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load);
    reading.add_task(rank).depends_on(&load); //~ rank
    reading.validate().unwrap();
}
