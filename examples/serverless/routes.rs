//! The HTTP routes.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use workflow_engine::prelude::*;
use workflow_engine::serverless::{
    HandleJobOutput, JobMessage, MaintenanceReport, MaintenanceTick, ProcessJobs, ProcessJobsOutput,
    Serverless,
};
use workflow_engine::{Error, RunId};

use crate::orders::{Order, OrderFulfilment, PriceInput, Receipt};

/// Returns all routes.
pub fn router(engine: Engine, host: Serverless) -> Router {
    Router::new().route("/orders", post(place)).route("/orders/{run_id}", get(show)).with_state(engine).merge(
        Router::new()
            .route("/jobs", post(handle_job))
            .route("/work", post(work))
            .route("/tick", post(tick))
            .with_state(host),
    )
}

/// Places an order. The response is sent after the commit. A repeated request with the same `Idempotency-Key` header
/// returns the same run.
async fn place(
    State(engine): State<Engine>,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<JobMessage>), ErrorResponse> {
    let mut start = engine.start::<OrderFulfilment>(PriceInput { order });
    if let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) {
        start = start.idempotency_key(key);
    }
    // The first message of the run, for clients that use a queue to call `/jobs`.
    let message = JobMessage { run_id: start.await?.id(), stage_key: None };
    Ok((StatusCode::ACCEPTED, Json(message)))
}

/// The present state of an order.
#[derive(Serialize)]
struct OrderState {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

async fn show(
    State(engine): State<Engine>,
    Path(run_id): Path<String>,
) -> Result<Json<OrderState>, ErrorResponse> {
    let run = engine.run_handle::<OrderFulfilment>(run_id.parse::<RunId>()?).await?;
    let record = run.record().await?;
    Ok(Json(OrderState {
        status: record.status,
        receipt: run.outputs().await?.confirm,
        error: record.error.map(|error| error.message),
    }))
}

/// Handles one message of a queue: runs one stage. The response lists the messages to send next.
async fn handle_job(
    State(host): State<Serverless>,
    Json(message): Json<JobMessage>,
) -> Result<Json<HandleJobOutput>, ErrorResponse> {
    Ok(Json(host.handle_job(message).await?))
}

/// Runs ready stages, by default one: `?max_jobs=10&concurrency=4`.
async fn work(
    State(host): State<Serverless>,
    Query(jobs): Query<Work>,
) -> Result<Json<ProcessJobsOutput>, ErrorResponse> {
    let Work { max_jobs, concurrency } = jobs;
    Ok(Json(host.process_available_jobs(ProcessJobs { max_jobs, concurrency }).await?))
}

/// The limits of one request; by default it runs one stage.
#[derive(serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Work {
    max_jobs: usize,
    concurrency: usize,
}

impl Default for Work {
    fn default() -> Self {
        Self { max_jobs: 1, concurrency: 4 }
    }
}

/// Does maintenance; a timer calls it every minute.
async fn tick(State(host): State<Serverless>) -> Json<MaintenanceReport> {
    Json(host.run_maintenance_tick(MaintenanceTick::default()).await)
}

/// An error of the engine as an HTTP response.
struct ErrorResponse(Error);

impl From<Error> for ErrorResponse {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = if error.is_not_found() {
            StatusCode::NOT_FOUND
        } else if error.is_invalid_input() {
            StatusCode::BAD_REQUEST
        } else if error.is_conflict() {
            StatusCode::CONFLICT
        } else if error.is_retryable() {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        };
        let body = serde_json::json!({ "code": error.code(), "error": error.to_string() });
        (status, Json(body)).into_response()
    }
}
