//! A step has an option that does not exist.

use sayiir_runtime::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[task(id = "load")]
async fn load(path: String) -> Result<String, Failure> {
    Ok(path)
}

#[task(id = "rank", retrise = 3)] //~ retrise
async fn rank(text: String) -> Result<Vec<String>, Failure> {
    Ok(vec![text])
}

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [load, rank]
    };
    println!("{}", reading.unwrap().workflow_id());
}
