//! A fake HTTP server that responds from a script and records its requests.

mod request;
mod answer;
mod signal;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use answer::Body;
pub use answer::{Answer, Piece};
pub use request::Recorded;
pub use signal::Signal;

type Route = (String, String);

#[derive(Default)]
struct Script {
    once: HashMap<Route, VecDeque<Answer>>,
    always: HashMap<Route, Answer>,
    requests: Vec<Recorded>,
}

/// A server on its own port, which stops when it is dropped.
pub struct FakeServer {
    url: String,
    script: Arc<Mutex<Script>>,
    open: watch::Receiver<usize>,
    accepting: JoinHandle<Infallible>,
}

impl FakeServer {
    /// Starts a server on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let (count, open) = watch::channel(0);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&script), count));
        Self { url, script, open, accepting }
    }

    /// Returns the URL, `http://127.0.0.1:…`, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Scripts the response to the next request to this path, after earlier scripted ones. `path` has no query.
    pub fn on(&self, method: &str, path: &str, answer: Answer) -> &Self {
        let route = (method.to_owned(), path.to_owned());
        self.script.lock().unwrap().once.entry(route).or_default().push_back(answer);
        self
    }

    /// Scripts the response to every request to this path that has no response of its own.
    pub fn always(&self, method: &str, path: &str, answer: Answer) -> &Self {
        let route = (method.to_owned(), path.to_owned());
        self.script.lock().unwrap().always.insert(route, answer);
        self
    }

    /// Waits until no client is connected.
    pub async fn idle(&self) {
        self.open
            .clone()
            .wait_for(|open| *open == 0)
            .await
            .expect("the server accepts connections until it is dropped");
    }

    /// Returns the requests so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.script.lock().unwrap().requests.clone()
    }

    /// Returns the only request.
    #[track_caller]
    pub fn request(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.remove(0)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, script: Arc<Mutex<Script>>, open: watch::Sender<usize>) -> Infallible {
    // The set is dropped with the task, and ends all connections.
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            open.send_modify(|open| *open += 1);
            let (script, open) = (Arc::clone(&script), open.clone());
            connections.spawn(async move {
                serve(stream, script).await;
                open.send_modify(|open| *open -= 1);
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, script: Arc<Mutex<Script>>) {
    let service = service_fn(|request| answer(request, &script));
    // Errors are expected: tests close connections and cut responses.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    script: &Mutex<Script>,
) -> io::Result<hyper::Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let recorded = Recorded::new(&head, body);
    let answer = script.lock().unwrap().next(recorded);
    answer.into_response().await
}

impl Script {
    fn next(&mut self, request: Recorded) -> Answer {
        let route = (request.method.clone(), request.path.clone());
        let message = format!("the test has no response for {} {}", route.0, route.1);
        self.requests.push(request);
        let once = self.once.get_mut(&route).and_then(VecDeque::pop_front);
        let answer = once.or_else(|| self.always.get(&route).cloned());
        answer.unwrap_or_else(|| Answer::json(404, &json!({ "error": { "message": message } })))
    }
}
