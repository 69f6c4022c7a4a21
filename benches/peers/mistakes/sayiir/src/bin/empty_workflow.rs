//! A workflow has no steps.

use sayiir_runtime::prelude::*;

fn main() {
    let reading: Result<sayiir_core::workflow::SerializableWorkflow<_, String>, _> = workflow! {
        name: "reading",
        steps: [] //~ ]
    };
    println!("{}", reading.unwrap().workflow_id());
}
