//! A web server that answers every request in the same way, and counts them.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// It listens until the test program ends.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    arrivals: Receiver<()>,
}

impl Server {
    /// Answers with a page.
    pub fn serving(content_type: &str, body: &str) -> Self {
        Self::answering(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Answers with a status and nothing else.
    pub fn refusing(status: &str) -> Self {
        Self::answering(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    }

    /// Takes requests and never answers.
    pub fn silent() -> Self {
        Self::start(None)
    }

    fn answering(answer: String) -> Self {
        Self::start(Some(answer))
    }

    fn start(answer: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let (arrived, arrivals) = mpsc::channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { continue };
                // Every header of a request without a body; the empty line ends them.
                let mut lines = BufReader::new(&connection).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                drop(lines);
                counted.fetch_add(1, Ordering::SeqCst);
                // A test that does not wait for requests may be over already.
                let _ = arrived.send(());
                match &answer {
                    // A client that was killed does not read its answer.
                    Some(answer) => drop(connection.write_all(answer.as_bytes())),
                    None => open.push(connection),
                }
            }
        });
        Self { address, requests, arrivals }
    }

    /// The address of a document on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Waits for a request that nobody has waited for yet.
    pub fn wait_for_request(&self) {
        self.arrivals.recv_timeout(Duration::from_mins(1)).unwrap();
    }

    /// How many requests have come in.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}
