//! A step returns a value that cannot be stored.

use cloacina::{Context, TaskError, task, workflow};

#[workflow(name = "reading")]
pub mod reading {
    use super::*;

    struct Handle;

    #[task(id = "open", dependencies = [])]
    pub async fn open(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("handle", Handle)?; //~ Handle
        Ok(())
    }
}

fn main() {}
