//! What the server answers.

use std::collections::VecDeque;
use std::io;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use serde_json::Value;

use super::Signal;

pub(super) type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// A scripted answer.
#[derive(Clone)]
pub struct Answer {
    /// Before its head.
    wait: Option<Signal>,
    /// `None`: the connection is closed instead.
    status: Option<u16>,
    headers: Vec<(String, String)>,
    pieces: VecDeque<Piece>,
}

/// A piece of an answer's body.
#[derive(Clone)]
pub enum Piece {
    /// Sent at once, by itself.
    Bytes(Vec<u8>),
    /// Nothing more until the signal is given; without one ever, the answer hangs.
    Wait(Signal),
    /// The connection is closed, in the middle.
    Cut,
}

impl Piece {
    /// These bytes.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Bytes(text.into().into_bytes())
    }

    /// A server-sent event without a name.
    pub fn data(data: &(impl ToString + ?Sized)) -> Self {
        Self::text(format!("data: {}\n\n", data.to_string()))
    }

    /// A server-sent event with a name.
    pub fn event(name: &str, data: &(impl ToString + ?Sized)) -> Self {
        Self::text(format!("event: {name}\ndata: {}\n\n", data.to_string()))
    }
}

impl Answer {
    /// One JSON value.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    /// Any body, with its length told.
    pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let body = body.into();
        let length = body.len();
        Self::pieces(status, content_type, [Piece::text(body)]).header("content-length", &length.to_string())
    }

    /// Server-sent events, or pieces of them.
    pub fn events(pieces: impl IntoIterator<Item = Piece>) -> Self {
        Self::pieces(200, "text/event-stream", pieces)
    }

    /// Any body, piece by piece, its length not told.
    pub fn pieces(status: u16, content_type: &str, pieces: impl IntoIterator<Item = Piece>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { wait: None, status: Some(status), headers, pieces: pieces.into_iter().collect() }
    }

    /// No answer: the connection is closed when the request has been read.
    pub fn cut() -> Self {
        Self { wait: None, status: None, headers: Vec::new(), pieces: VecDeque::new() }
    }

    /// No answer either, and the connection stays open.
    pub fn hang() -> Self {
        Self::cut().after(&Signal::default())
    }

    /// With a header; one that is there already is replaced.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Only when the signal is given.
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
        // While the body is not ready, hyper sends what it has: so each piece travels by itself, also before a cut.
        tokio::task::yield_now().await;
        match pieces.pop_front()? {
            Piece::Bytes(bytes) => return Some((Ok(Frame::data(bytes.into())), pieces)),
            Piece::Wait(signal) => signal.wait().await,
            Piece::Cut => return Some((Err(io::Error::other("cut")), VecDeque::new())),
        }
    }
}
