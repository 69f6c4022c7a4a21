//! Definitions and entries of declared workflows, called as the kernel calls them.

mod document;
mod entries;

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;

use crate::context::{ContextParts, ContextServices, StageContext, StageScope};
use crate::value::{Json, RunId};

/// The context of a first attempt, with stored outputs.
fn context(stage_id: &str, outputs: HashMap<String, Json>) -> StageContext {
    let scope = StageScope {
        run_id: RunId::generate(),
        workflow_id: "test".into(),
        stage_key: stage_id.into(),
        stage_name: "Test",
        stage_number: 1,
        attempt: 1,
        max_attempts: 1,
        generation: 1,
        deadline: None,
        cancellation: CancellationToken::new(),
    };
    StageContext::new(ContextParts {
        scope,
        metadata: None,
        traceparent: None,
        outputs,
        services: ContextServices::none(),
    })
}
