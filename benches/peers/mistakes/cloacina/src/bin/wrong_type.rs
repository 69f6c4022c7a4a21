//! A step takes a different type than its predecessor returns.

use cloacina::{Context, TaskError, task, workflow};

#[workflow(name = "reading")]
pub mod reading {
    use super::*;

    #[task(id = "load", dependencies = [])]
    pub async fn load(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("text", serde_json::json!("text"))?;
        Ok(())
    }

    #[task(id = "square", dependencies = ["load"])]
    pub async fn square(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        let number = context.get("text").and_then(serde_json::Value::as_u64); //~ as_u64
        context.insert("square", serde_json::json!(number.unwrap()))?;
        Ok(())
    }
}

fn main() {}
