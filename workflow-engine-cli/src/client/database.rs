//! The API over a store that this process has opened.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use tower_service::Service;
use workflow_engine::Engine;
use workflow_engine_server::{Access, EngineError, Grant, HttpService, Identity, Server};

use super::{Answer, Call, Transport};
use crate::failure::{Exit, Failure};

/// The service of the API over a store. A user who may open the store may do everything, and sees every field.
pub struct Database(HttpService);

/// The name of the person who acts, in the extensions of a request.
#[derive(Clone, Debug)]
struct ActorName(String);

/// The user of the command line.
struct User;

#[async_trait]
impl Access for User {
    async fn identify(&self, request: &Parts) -> Option<Identity> {
        let name = request.extensions.get::<ActorName>().map(|name| name.0.clone());
        let name = name.or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty());
        Some(Identity::new(name.unwrap_or_else(|| "unknown".to_owned()), Grant::Operate).via("command line"))
    }
}

impl Database {
    /// Serves an engine in this process.
    ///
    /// # Errors
    /// Never, as long as the settings are right.
    pub fn new(engine: Engine) -> Result<Self, Failure> {
        let server = Server::new(engine)
            .access(User)
            .hidden_fields([""; 0])
            // The limits of the engine hold; these would only be in the way of the one who asks.
            .body_limit(usize::MAX)
            .request_timeout(Duration::from_secs(86_400));
        Ok(Self(server.service().map_err(|error| Failure::new(Exit::Internal, error.to_string()))?))
    }
}

impl Transport for Database {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, Failure>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let mut request =
                Request::builder().method(call.method.clone()).uri(call.target()).header("host", "localhost");
            if call.body.is_some() {
                request = request.header("content-type", "application/json");
            }
            for (name, value) in &call.headers {
                request = request.header(*name, value);
            }
            if let Some(actor) = call.actor {
                request = request.extension(ActorName(actor));
            }
            let request = request.body(Full::new(Bytes::from(call.body.unwrap_or_default())));
            let request =
                request.map_err(|error| Failure::usage(format!("the request cannot be sent: {error}")))?;
            let response = match service.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (mut parts, body) = response.into_parts();
            let error = parts.extensions.remove::<EngineError>();
            let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
                Failure::new(Exit::Internal, format!("the answer ended early: {error}"))
            };
            let body = body.into_data_stream().map_err(failed).boxed();
            Ok(Answer { status: StatusCode::from_u16(parts.status.as_u16())?, body, error })
        })
    }
}
