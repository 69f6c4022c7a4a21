//! Two steps have the same id.

use sayiir_runtime::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[task(id = "load")]
async fn load(path: String) -> Result<String, Failure> {
    Ok(path)
}

#[task(id = "load")]
async fn rank(text: String) -> Result<Vec<String>, Failure> {
    Ok(vec![text])
}

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [load, rank //~ rank
       ]
    };
    println!("{}", reading.unwrap().workflow_id());
}
