//! A server that answers from a script, and remembers what it was asked.

mod answer;
mod request;
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

/// A server on a port of its own, which ends when it is dropped.
pub struct FakeServer {
    url: String,
    script: Arc<Mutex<Script>>,
    open: watch::Receiver<usize>,
    accepting: JoinHandle<Infallible>,
}

impl FakeServer {
    /// Takes a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let (count, open) = watch::channel(0);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&script), count));
        Self { url, script, open, accepting }
    }

    /// `http://127.0.0.1:…`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next request to this path so, after those that were scripted before. `path` is without a query.
    pub fn on(&self, method: &str, path: &str, answer: Answer) -> &Self {
        let route = (method.to_owned(), path.to_owned());
        self.script.lock().unwrap().once.entry(route).or_default().push_back(answer);
        self
    }

    /// Answers every request to this path so that nothing else is scripted for.
    pub fn always(&self, method: &str, path: &str, answer: Answer) -> &Self {
        let route = (method.to_owned(), path.to_owned());
        self.script.lock().unwrap().always.insert(route, answer);
        self
    }

    /// Waits until nobody is connected.
    pub async fn idle(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.expect("it accepts until it is dropped");
    }

    /// What was asked so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.script.lock().unwrap().requests.clone()
    }

    /// The only thing that was asked.
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
    // Ends with the task, and so do all connections.
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
    // A client that goes away, and an answer that is cut, are what the test is about.
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
        let message = format!("the test has no answer for {} {}", route.0, route.1);
        self.requests.push(request);
        let once = self.once.get_mut(&route).and_then(VecDeque::pop_front);
        let answer = once.or_else(|| self.always.get(&route).cloned());
        answer.unwrap_or_else(|| Answer::json(404, &json!({ "error": { "message": message } })))
    }
}
