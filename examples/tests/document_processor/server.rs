//! A web server that sends the same response to every request and counts the requests.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// The server, which listens until the test program ends.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    arrivals: Receiver<()>,
}

impl Server {
    /// Responds with a page.
    pub fn serving(content_type: &str, body: &str) -> Self {
        Self::responding(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    /// Responds with a status and no body.
    pub fn refusing(status: &str) -> Self {
        Self::responding(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    }

    /// Accepts requests and never responds.
    pub fn silent() -> Self {
        Self::start(None)
    }

    fn responding(response: String) -> Self {
        Self::start(Some(response))
    }

    fn start(response: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let (arrived, arrivals) = mpsc::channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { continue };
                // Reads the headers up to the empty line; the requests have no body.
                let mut lines = BufReader::new(&connection).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                drop(lines);
                counted.fetch_add(1, Ordering::SeqCst);
                // The test may have ended already if it does not wait for requests.
                let _ = arrived.send(());
                match &response {
                    // A killed client does not read its response.
                    Some(response) => drop(connection.write_all(response.as_bytes())),
                    None => open.push(connection),
                }
            }
        });
        Self { address, requests, arrivals }
    }

    /// Returns the URL of a document on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Waits for the next request.
    pub fn wait_for_request(&self) {
        self.arrivals.recv_timeout(Duration::from_mins(1)).unwrap();
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Returns a URL on which no server listens.
pub fn unreachable_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}
