//! The loop that accepts connections.

#![allow(clippy::disallowed_methods, reason = "it bounds connections in real time")]

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::access::ClientAddress;
use crate::service::HttpService;

/// The most connections at once; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 1_024;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a shutdown waits for answers.
const DRAIN: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, usually because descriptors are exhausted.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves connections until `stop`, then waits for the answers that are under way.
pub(crate) async fn serve(listener: TcpListener, service: HttpService, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    // Dropped with this task, it closes the connections.
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            // It is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "workflow_engine::server", %error, "the system refused a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Live events are small, and late if the system collects them.
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        let serve = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress(address));
            service.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), serve);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            let _place = place;
            // A client that closes its connection is no failure.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}
