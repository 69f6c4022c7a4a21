//! A step returns a value that cannot be stored.

use sayiir_runtime::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[task(id = "load")]
async fn load(path: String) -> Result<String, Failure> {
    Ok(path)
}

struct Handle(u32);

#[task(id = "open")]
async fn open(path: String) -> Result<Handle, Failure> { //~ Handle
    Ok(Handle(path.len() as u32))
}

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [load, open]
    };
    println!("{}", reading.unwrap().workflow_id());
}
