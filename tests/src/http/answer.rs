//! The scripted responses of the fake server.

use std::collections::VecDeque;
use std::io;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use serde_json::Value;

use super::Signal;

pub(super) type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// A scripted response.
#[derive(Clone)]
pub struct Answer {
    /// The signal to wait for before the head is sent.
    wait: Option<Signal>,
    /// The status, or `None` to close the connection instead.
    status: Option<u16>,
    headers: Vec<(String, String)>,
    pieces: VecDeque<Piece>,
}

/// A piece of a response's body.
#[derive(Clone)]
pub enum Piece {
    /// Bytes, which are sent immediately and on their own.
    Bytes(Vec<u8>),
    /// A pause until the signal is given. Without a signal the response hangs.
    Wait(Signal),
    /// A close of the connection in the middle of the body.
    Cut,
}

impl Piece {
    /// Makes a piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }

    /// Makes a server-sent event without a name.
    pub fn data(data: &(impl ToString + ?Sized)) -> Self {
        Self::text(format!("data: {}\n\n", data.to_string()))
    }

    /// Makes a server-sent event with a name.
    pub fn event(name: &str, data: &(impl ToString + ?Sized)) -> Self {
        Self::text(format!("event: {name}\ndata: {}\n\n", data.to_string()))
    }
}

impl Answer {
    /// Makes a response with a JSON value.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// Makes a response with any body and a `content-length`.
    pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let body = body.into();
        let length = body.len();
        Self::pieces(status, content_type, [Piece::text(body)]).header("content-length", &length.to_string())
    }

    /// Makes a response of server-sent events, or pieces of them.
    pub fn events(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self::pieces(200, "text/event-stream", pieces)
    }

    /// Makes a response with any body in pieces, without a `content-length`.
    pub fn pieces(status: u16, content_type: &str, pieces: impl IntoIterator<Item = Piece>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { wait: None, status: Some(status), headers, pieces: pieces.into_iter().collect() }
    }

    /// Makes no response: the server closes the connection after it has read the request.
    pub fn cut() -> Self {
        Self { wait: None, status: None, headers: Vec::new(), pieces: VecDeque::new() }
    }

    /// Makes no response, and keeps the connection open.
    pub fn hang() -> Self {
        Self::cut().after(&Signal::default())
    }

    /// Sets a header, and replaces an existing one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Delays the response until the signal is given.
    #[must_use]
    pub fn after(mut self, signal: &Signal) -> Self {
        self.wait = Some(signal.clone());
        self
    }

    pub(super) async fn into_response(self) -> io::Result<hyper::Response<Body>> {
        if let Some(signal) = self.wait {
            signal.wait().await;
        }
        let Some(status) = self.status else {
            return Err(io::Error::other("cut"));
        };
        let body = StreamBody::new(stream::unfold(self.pieces, send).boxed());
        let response = hyper::Response::builder().status(status);
        let response =
            self.headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(body).map_err(io::Error::other)
    }
}

async fn send(mut pieces: VecDeque<Piece>) -> Option<(io::Result<Frame<Bytes>>, VecDeque<Piece>)> {
    loop {
        // hyper flushes its buffer while the body is pending, so each piece is sent separately, also before a cut.
        tokio::task::yield_now().await;
        match pieces.pop_front()? {
            Piece::Bytes(bytes) => return Some((Ok(Frame::data(bytes.into())), pieces)),
            Piece::Wait(signal) => signal.wait().await,
            Piece::Cut => return Some((Err(io::Error::other("cut")), VecDeque::new())),
        }
    }
}
