//! Two steps have the same id.

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

    #[task(id = "count", dependencies = ["load"])] //~ "count"
    pub async fn rank(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("ranked", serde_json::json!(["text"]))?;
        Ok(())
    }
}

fn main() {}
