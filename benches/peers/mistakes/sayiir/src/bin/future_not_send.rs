//! A step holds a value that is not `Send` across an `.await`.

use sayiir_runtime::prelude::*;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[task(id = "load")]
async fn load(path: String) -> Result<String, Failure> {
    Ok(path)
}

#[task(id = "rank")]
async fn rank(text: String) -> Result<Vec<String>, Failure> { //~ rank
    let shared = std::rc::Rc::new(text);
    std::future::ready(()).await;
    Ok(vec![shared.to_string()])
}

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [load, rank]
    };
    println!("{}", reading.unwrap().workflow_id());
}
