//! A bank that is often out of order: the service, which this program starts on a port of its own, and its client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use reqwest::Client;
use workflow_engine::prelude::*;

use crate::tables::Tables;

/// The client.
#[derive(Clone)]
pub struct Bank {
    url: String,
    client: Client,
}

impl Bank {
    /// Starts the service, and returns its client.
    pub async fn start(books: Tables) -> Result<Self, Box<dyn std::error::Error>> {
        let requests = Arc::<AtomicUsize>::default();
        let routes = Router::new()
            .route("/accounts/{supplier}", get(account).with_state(requests))
            .route("/payments/{*token}", put(pay).with_state(books));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, routes).into_future());
        // Every client requires a provider of TLS. An error means that the program has one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { url, client: Client::builder().no_proxy().build()? })
    }

    /// Returns the account of a supplier.
    pub async fn account(&self, supplier: &str) -> StageResult<String> {
        let response = self.client.get(format!("{}/accounts/{supplier}", self.url)).send().await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Err(StageError::permanent(format!("the bank does not know the supplier `{supplier}`")));
        }
        Ok(response.error_for_status()?.json().await?)
    }

    /// Pays once for each token. Returns the receipt.
    pub async fn pay(&self, token: &str, account: &str, cents: i64) -> StageResult<String> {
        let request = self.client.put(format!("{}/payments/{token}", self.url)).json(&(account, cents));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// Refuses every other request.
async fn account(
    State(requests): State<Arc<AtomicUsize>>,
    Path(supplier): Path<String>,
) -> Result<Json<String>, StatusCode> {
    let is_refused = requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(2);
    match supplier.as_str() {
        _ if is_refused => Err(StatusCode::SERVICE_UNAVAILABLE),
        "acme" => Ok(Json("DE02 1203 0000 0000 2020 51".into())),
        "globex" => Ok(Json("FR14 2004 1010 0505 0001 3M02 606".into())),
        _ => Err(StatusCode::NOT_FOUND),
    }
}

/// Pays, and then fails. It knows the token when the client asks again, and returns the receipt.
async fn pay(
    State(books): State<Tables>,
    Path(token): Path<String>,
    Json((account, cents)): Json<(String, i64)>,
) -> Result<Json<String>, StatusCode> {
    match books.pay(&token, &account, cents).await {
        Ok(false) => Ok(Json(format!("receipt {token}"))),
        Ok(true) | Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}
