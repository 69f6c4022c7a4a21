//! A reader of server-sent events.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub id: Option<String>,
    pub name: String,
    pub data: Value,
}

/// The events of a response.
pub struct Messages {
    response: Response,
    text: String,
}

impl Messages {
    pub async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// Waits for the next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let message = parse(frame);
                self.text = rest.into();
                if message.is_some() {
                    return message;
                }
                continue;
            }
            let chunk = timeout(Duration::from_secs(30), self.response.chunk()).await.expect("an event");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// Reads up to the first event that satisfies `is_last`.
    pub async fn until(&mut self, is_last: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            let ends = is_last(&message);
            messages.push(message);
            if ends {
                break;
            }
        }
        messages
    }
}

/// Parses an event; comments and the time of reconnection are none.
fn parse(frame: &str) -> Option<Message> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).unwrap();
    Some(Message { id: field("id").map(str::to_owned), name: field("event")?.to_owned(), data })
}

/// Whether the message ends its run.
pub fn ends_run(message: &Message) -> bool {
    let name = message.data["type"].as_str().unwrap_or_default();
    matches!(name, "workflow:completed" | "workflow:failed" | "workflow:cancelled")
}
