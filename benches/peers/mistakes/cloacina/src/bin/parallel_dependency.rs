//! A step depends on a step in a parallel branch.

use cloacina::{Context, TaskError, task, workflow};

#[workflow(name = "reading")]
pub mod reading {
    use super::*;

    #[task(id = "load", dependencies = [])]
    pub async fn load(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("text", serde_json::json!("text"))?;
        Ok(())
    }

    #[task(id = "count", dependencies = ["load"])]
    pub async fn count(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("count", serde_json::json!(3))?;
        Ok(())
    }

    #[task(id = "rank", dependencies = ["load"])]
    pub async fn rank(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        let count = context.get("count").and_then(serde_json::Value::as_u64); //~ "count"
        context.insert("ranked", serde_json::json!(count.unwrap()))?;
        Ok(())
    }
}

fn main() {}
