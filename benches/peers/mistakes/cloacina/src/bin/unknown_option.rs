//! A step has an option that does not exist.

use cloacina::{Context, TaskError, task, workflow};

#[workflow(name = "reading")]
pub mod reading {
    use super::*;

    #[task(id = "load", dependencies = [])]
    pub async fn load(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("text", serde_json::json!("text"))?;
        Ok(())
    }

    #[task(id = "rank", dependencies = ["load"], retrise = 3)] //~ retrise
    pub async fn rank(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("ranked", serde_json::json!(1))?;
        Ok(())
    }
}

fn main() {}
