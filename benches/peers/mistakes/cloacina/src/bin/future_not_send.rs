//! A step holds a value that is not `Send` across an `.await`.

use cloacina::{Context, TaskError, task, workflow};

#[workflow(name = "reading")]
pub mod reading {
    use super::*;

    #[task(id = "load", dependencies = [])]
    pub async fn load(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> {
        context.insert("text", serde_json::json!("text"))?;
        Ok(())
    }

    #[task(id = "rank", dependencies = ["load"])]
    pub async fn rank(context: &mut Context<serde_json::Value>) -> Result<(), TaskError> { //~ rank
        let shared = std::rc::Rc::new("text".to_owned());
        std::future::ready(()).await;
        context.insert("ranked", serde_json::json!(shared.to_string()))?;
        Ok(())
    }
}

fn main() {}
