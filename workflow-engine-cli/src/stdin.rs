//! Standard input. A thread of its own reads it, so that Ctrl-C ends a command that waits for input.

use std::io::{self, BufRead, Read};

/// Returns everything up to the end of standard input.
pub async fn all() -> io::Result<String> {
    read(|text| io::stdin().lock().read_to_string(text)).await
}

/// Returns the next line.
pub async fn line() -> io::Result<String> {
    read(|text| io::stdin().lock().read_line(text)).await
}

async fn read(read: impl FnOnce(&mut String) -> io::Result<usize> + Send + 'static) -> io::Result<String> {
    let reader = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        read(&mut text)?;
        Ok(text)
    });
    reader.await.map_err(io::Error::other)?
}
