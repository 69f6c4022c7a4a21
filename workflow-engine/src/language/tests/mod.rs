//! The language as the kernel meets it: definitions and entries, called by hand.

mod document;
mod entries;
mod fingerprints;

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{Json, LogLevel, Reports, RunId, StageContext, StageScope};

struct Silent;

impl Reports for Silent {
    fn log(&self, _: LogLevel, _: &str, _: Json) {}
    fn progress(&self, _: f64, _: &str) {}
}

/// The context of a first attempt, with stored outputs.
fn context(stage_id: &str, outputs: HashMap<String, Json>) -> StageContext {
    let scope = StageScope {
        run_id: RunId::generate(),
        workflow_id: "test".into(),
        stage_id: stage_id.into(),
        attempt: 1,
        generation: 1,
        deadline: None,
        cancellation: CancellationToken::new(),
    };
    StageContext::new(scope, outputs, Arc::new(Silent))
}
