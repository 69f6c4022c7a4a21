//! A step is written twice.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

async fn rank(text: String) -> Result<u64, BoxDynError> {
    Ok(text.len() as u64)
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load);
    let rank = reading.add_task(rank).depends_on(&load);
    let again = reading.add_task(self::rank).depends_on(&load); //~ rank
    let _ = (rank, again);
    reading.validate().unwrap();
}
