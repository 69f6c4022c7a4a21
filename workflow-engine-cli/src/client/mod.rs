//! The client of the HTTP API. Its requests reach a server, or a service in this process over an open store: so a command
//! does the same on both, and prints the same.

mod call;
mod database;
mod server;
mod problem;
mod lines;

use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{Stream, TryStreamExt};
use http::StatusCode;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use workflow_engine_server::EngineError;

pub use call::{Call, segment};
pub use database::Database;
pub use lines::Lines;
pub use server::Remote;

use crate::failure::Failure;

/// Sends the requests of the API.
pub trait Transport: Send + Sync {
    /// Sends a request, and returns the beginning of the answer.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, Failure>>;
}

/// An answer, whose body may still be on its way.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The parts of the body.
    pub body: Body,
    /// The error of the engine, where the service is in this process.
    pub error: Option<EngineError>,
}

/// A body in its parts.
pub type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// A client of the API.
#[derive(Clone)]
pub struct Client(Arc<dyn Transport>);

impl Client {
    /// Creates a client.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(transport))
    }

    /// Returns the text of a successful answer.
    ///
    /// # Errors
    /// Every error of the API, and when it cannot be reached.
    pub async fn text(&self, call: Call) -> Result<String, Failure> {
        let answer = self.open(call).await?;
        text(answer.body).await
    }

    /// Returns a successful answer that is JSON.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        Ok(serde_json::from_str(&self.text(call).await?)?)
    }

    /// Returns the lines of a successful answer.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub async fn lines(&self, call: Call) -> Result<Lines, Failure> {
        Ok(Lines::new(self.open(call.header("accept", "application/x-ndjson")).await?.body))
    }

    async fn open(&self, call: Call) -> Result<Answer, Failure> {
        let answer = self.0.send(call).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        if let Some(EngineError(error)) = answer.error {
            return Err(Failure::of_engine(error));
        }
        Err(problem::failure(answer.status, &text(answer.body).await?))
    }
}

async fn text(body: Body) -> Result<String, Failure> {
    let bytes: Vec<u8> = body
        .try_fold(Vec::new(), |mut all, part| async move {
            all.extend_from_slice(&part);
            Ok(all)
        })
        .await?;
    Ok(String::from_utf8(bytes)?)
}
