//! A step is written twice.

use sayiir_runtime::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[task(id = "load")]
async fn load(path: String) -> Result<String, Failure> {
    Ok(path)
}

#[task(id = "again")]
async fn again(text: String) -> Result<String, Failure> {
    Ok(text)
}

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [load, again, again //~ again
       ]
    };
    println!("{}", reading.unwrap().workflow_id());
}
