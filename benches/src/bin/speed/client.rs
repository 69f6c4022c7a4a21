//! A client of the HTTP API.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Outcome;

/// The most bytes of a response that are read.
const RESPONSE: u64 = 16 << 20;

/// A client of a server: a connection for each request.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub token: String,
}

impl Client {
    /// Sends a request, and returns the connection, which ends with the response.
    pub async fn request(&self, path: &str) -> Outcome<TcpStream> {
        let Self { address, token } = self;
        let mut connection = TcpStream::connect(address).await?;
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await?;
        Ok(connection)
    }

    /// Returns the JSON of a response.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        let mut response = String::new();
        self.request(path).await?.take(RESPONSE).read_to_string(&mut response).await?;
        let (head, body) = response.split_once("\r\n\r\n").ok_or("the response has no body")?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("the response to `{path}` is {head}").into());
        }
        Ok(serde_json::from_str(body)?)
    }
}
