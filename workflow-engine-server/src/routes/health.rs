//! Probes of an orchestrator.

#![allow(clippy::disallowed_methods, reason = "it bounds the probe in real time")]

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use workflow_engine::RunId;

use super::Route;
use crate::app::App;
use crate::problem::Problem;

/// How long the store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/healthz", "health", health)
            .at_root()
            .public()
            .summary("Tells that the process answers.")
            .json::<Health>(200, "The process answers."),
        Route::get("/readyz", "readiness", readiness)
            .at_root()
            .public()
            .summary("Tells whether the store answers within a second, and the server is not shutting down.")
            .json::<Health>(200, "The server is ready."),
    ]
}

/// The health of the server.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn readiness(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if app.stop.is_cancelled() {
        return Err(Problem::overloaded("the server is shutting down"));
    }
    // No run has this id: the store reads one index, and nothing else.
    let read = app.engine.kernel().store().run(nil()?);
    match tokio::time::timeout(STORE_TIMEOUT, read).await {
        Ok(Ok(_)) => Ok(Json(Health { status: "ok" })),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Problem::overloaded("the store did not answer within a second")),
    }
}

fn nil() -> Result<RunId, Problem> {
    Ok("00000000-0000-0000-0000-000000000000".parse::<RunId>()?)
}
