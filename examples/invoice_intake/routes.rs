//! The HTTP routes.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use workflow_engine::kernel::RerunFromOutput;
use workflow_engine::prelude::*;
use workflow_engine::records::{RunRecord, StageRecord};
use workflow_engine::{Cursor, Error, Json as AnyJson, Page, RunFilter, RunId};
use workflow_engine_server::HttpService;

use crate::pipeline::{Entry, Invoice, InvoiceIntake, InvoiceIntakeInput, approve};
use crate::tables::Tables;

/// What the handlers use.
#[derive(Clone)]
pub struct App {
    pub engine: Engine,
    pub tables: Tables,
}

/// Returns all routes. The dashboard is below a path of its own.
pub fn router(app: App, dashboard: HttpService) -> Router {
    Router::new()
        .route("/invoices", post(receive).get(list))
        .route("/invoices/{run_id}", get(detail))
        .route("/invoices/{run_id}/events", get(events))
        .route("/invoices/{run_id}/decision", post(decide))
        .route("/invoices/{run_id}/cancel", post(cancel))
        .route("/invoices/{run_id}/rerun/{stage_id}", post(rerun))
        .route("/ledger", get(ledger))
        .with_state(app)
        .nest_service("/ops", dashboard)
}

/// Starts a run for an invoice. The same invoice again is the same run.
async fn receive(
    State(app): State<App>,
    Json(invoice): Json<Invoice>,
) -> Reply<(StatusCode, Json<RunRecord>)> {
    let key = format!("{}/{}", invoice.supplier, invoice.number);
    let supplier = invoice.supplier.clone();
    let start = app.engine.start::<InvoiceIntake>(InvoiceIntakeInput { invoice });
    let run = start.idempotency_key(key).tag("supplier", supplier).await?;
    Ok((StatusCode::ACCEPTED, Json(run.record().await?)))
}

/// The query of the list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    status: Option<Status>,
    supplier: Option<String>,
    after: Option<Cursor>,
    limit: Option<usize>,
}

/// Lists invoices, the newest first.
async fn list(State(app): State<App>, Query(search): Query<Search>) -> Reply<Json<Page<RunRecord>>> {
    let mut filter = RunFilter::new().workflow::<InvoiceIntake>().statuses(search.status);
    if let Some(supplier) = search.supplier {
        filter = filter.tag("supplier", supplier);
    }
    let list = app.engine.runs(&filter).limit(search.limit.unwrap_or(20));
    Ok(Json(match search.after {
        Some(cursor) => list.after(cursor).await?,
        None => list.await?,
    }))
}

/// Everything about one invoice.
#[derive(Serialize)]
struct Detail {
    run: RunRecord,
    invoice: Invoice,
    stages: Vec<StageRecord>,
    outputs: BTreeMap<String, AnyJson>,
    /// Why the run cannot continue, if it cannot.
    blocked: Option<Error>,
}

async fn detail(State(app): State<App>, Path(run_id): Path<RunId>) -> Reply<Json<Detail>> {
    let run = app.engine.run_handle::<InvoiceIntake>(run_id).await?;
    Ok(Json(Detail {
        run: run.record().await?,
        invoice: run.input().await?.invoice,
        stages: run.stages().await?,
        outputs: run.any().outputs().await?,
        blocked: run.blocked_reason().await?,
    }))
}

/// Sends the events of a run as they happen, until it ends. A browser that reconnects names the last one that it has.
async fn events(
    State(app): State<App>,
    Path(run_id): Path<RunId>,
    headers: HeaderMap,
) -> Reply<Sse<impl Stream<Item = Result<Event, axum::Error>>>> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let events = app.engine.any_run(run_id).await?.events_after(last.unwrap_or(0));
    let sent = events.map(|event| {
        let event = event.map_err(axum::Error::new)?;
        Event::default().id(event.sequence.to_string()).event(event.kind.name()).json_data(&event)
    });
    Ok(Sse::new(sent).keep_alive(KeepAlive::default()))
}

/// What a person has decided about an invoice.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    approved: bool,
    comment: Option<String>,
    actor: String,
}

/// The webhook of a system in which people approve invoices. A decision that comes before the question waits for it.
async fn decide(
    State(app): State<App>,
    Path(run_id): Path<RunId>,
    Json(Decision { approved, comment, actor }): Json<Decision>,
) -> Reply<StatusCode> {
    let run = app.engine.run_handle::<InvoiceIntake>(run_id).await?;
    run.signal::<approve>(Approval { approved, comment }).actor(actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Cancels a run. One that has ended stays as it is.
async fn cancel(State(app): State<App>, Path(run_id): Path<RunId>) -> Reply<Json<RunRecord>> {
    let run = app.engine.any_run(run_id).await?;
    run.cancel("cancelled by a request").await?;
    Ok(Json(run.record().await?))
}

/// Runs a stage of a run that has ended again, with everything after it.
async fn rerun(
    State(app): State<App>,
    Path((run_id, stage_id)): Path<(RunId, String)>,
) -> Reply<Json<RerunFromOutput>> {
    Ok(Json(app.engine.any_run(run_id).await?.rerun_from(stage_id).await?))
}

async fn ledger(State(app): State<App>) -> Result<Json<Vec<Entry>>, (StatusCode, String)> {
    let ledger = app.tables.ledger().await;
    ledger.map(Json).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// The result of a handler.
type Reply<T> = Result<T, Failure>;

/// An error as an HTTP response.
struct Failure(Response);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match &error {
            error if error.is_not_found() => StatusCode::NOT_FOUND,
            error if error.is_invalid_input() => StatusCode::BAD_REQUEST,
            error if error.is_conflict() => StatusCode::CONFLICT,
            error if error.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self((status, Json(error)).into_response())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.0
    }
}
