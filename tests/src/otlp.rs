//! A process that exports its spans with the real exporter of OpenTelemetry, and a workflow that calls a model.

use std::io::{Read, Write};
use std::net::TcpStream;

use async_trait::async_trait;
use hyper::body::Bytes;
use hyper::http::{Request, Response};
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use workflow_engine::prelude::*;

/// Asks a model.
#[stage]
pub async fn summarize(text: String, ctx: &StageContext) -> StageResult<String> {
    let summary = ctx.ai().generate_text("m", text).await?.text;
    Ok(format!("{summary} {}", ctx.traceparent()))
}

workflow! { pub Summary = summarize }

/// Exports every span of this process to the collector at this URL. Shut the provider down before the process ends.
///
/// # Panics
/// If the process has a subscriber already.
pub fn export_spans(collector: &str) -> SdkTracerProvider {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client)
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(format!("{collector}/v1/traces"))
        .build()
        .expect("the settings are valid");
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
    tracing_subscriber::registry().with(layer).init();
    provider
}

/// A client for the exporter's own thread, which has no runtime.
#[derive(Debug)]
struct Client;

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (uri, body) = (request.uri(), request.body());
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(&authority)?;
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            uri.path(),
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let is_ok = answer.starts_with(b"HTTP/1.1 200");
        Ok(Response::builder().status(if is_ok { 200 } else { 500 }).body(Bytes::new())?)
    }
}
