//! A pooler in transaction mode: each transaction of a client gets another session of the server.
//!
//! It implements the part of the [protocol](https://www.postgresql.org/docs/current/protocol-flow.html) that a driver
//! needs which waits for the response after each `Query` and `Sync`.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Mutex, Semaphore};

/// The protocol's version 3.0, and the request for TLS, which the pooler refuses.
const VERSION: i32 = 196_608;
const TLS_REQUEST: i32 = 80_877_103;

/// What a pooler does with the settings of a session that a client asks for when it connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// The connection fails.
    Refused,
    /// The connection has other settings.
    Ignored,
    /// The sessions of the server get them.
    Forwarded,
}

/// The sessions of the server; a transaction gets the one that has been idle for longest.
struct Sessions {
    socket: PathBuf,
    settings: Settings,
    /// Whether each client keeps the session of its first transaction, as behind a pooler in session mode.
    are_kept: AtomicBool,
    idle: Mutex<VecDeque<UnixStream>>,
    available: Semaphore,
    lost: AtomicUsize,
}

/// A pooler that serves clients on its own port.
pub struct Pooler {
    url: String,
    sessions: Arc<Sessions>,
}

impl Pooler {
    /// Returns the URL for clients.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets each client keep the session of its first transaction, or not any more.
    pub fn keep_sessions(&self, kept: bool) {
        self.sessions.are_kept.store(kept, Ordering::SeqCst);
    }

    /// Returns how often a client disconnected within a transaction; the pooler then has to throw away the session.
    pub fn lost_sessions(&self) -> usize {
        self.sessions.lost.load(Ordering::SeqCst)
    }
}

/// Starts a pooler with this many sessions of the server behind `socket`.
pub async fn start(socket: &Path, sessions: usize) -> io::Result<Pooler> {
    start_with(socket, sessions, Settings::Refused).await
}

/// As [`start`], for another treatment of a session's settings.
pub async fn start_with(socket: &Path, sessions: usize, settings: Settings) -> io::Result<Pooler> {
    let (socket, lost) = (socket.to_owned(), AtomicUsize::new(0));
    let (idle, available) = (Mutex::default(), Semaphore::new(sessions));
    let are_kept = AtomicBool::new(false);
    let sessions = Arc::new(Sessions { socket, settings, are_kept, idle, available, lost });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("postgres://postgres@{}/postgres", listener.local_addr()?);
    let pooler = Pooler { url, sessions: Arc::clone(&sessions) };
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let sessions = Arc::clone(&sessions);
            // A response is written in pieces, which would wait for one another.
            let _ = client.set_nodelay(true);
            tokio::spawn(async move {
                // An error means that the client has disconnected.
                let _ = serve(client, &sessions).await;
            });
        }
    });
    Ok(pooler)
}

/// Opens a session of the server for a client that has sent `startup`.
async fn session(sessions: &Sessions, startup: &[u8]) -> io::Result<UnixStream> {
    let mut session = UnixStream::connect(&sessions.socket).await?;
    let mut plain = VERSION.to_be_bytes().to_vec();
    plain.extend(b"user\0postgres\0database\0postgres\0\0");
    let startup = if sessions.settings == Settings::Forwarded { startup } else { &plain };
    session.write_i32(i32::try_from(startup.len() + 4).expect("the message is short")).await?;
    session.write_all(startup).await?;
    while read(&mut session).await?.0 != b'Z' {}
    Ok(session)
}

async fn serve(mut client: TcpStream, sessions: &Sessions) -> io::Result<()> {
    let startup = loop {
        let length = client.read_i32().await?;
        let mut startup = vec![0; usize::try_from(length - 4).unwrap_or(0)];
        client.read_exact(&mut startup).await?;
        if startup[..4] != TLS_REQUEST.to_be_bytes() {
            break startup;
        }
        client.write_all(b"N").await?;
    };
    // Like a real pooler, it refuses the settings of a session.
    for refused in [&b"\0options\0"[..], b"\0extra_float_digits\0"] {
        let is_asked = startup.windows(refused.len()).any(|window| window == refused);
        if is_asked && sessions.settings == Settings::Refused {
            let message = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter\0\0";
            return write(&mut client, b'E', message).await;
        }
    }
    write(&mut client, b'R', &0_i32.to_be_bytes()).await?;
    write(&mut client, b'S', b"server_version\x0015.0\0").await?;
    write(&mut client, b'K', &[0; 8]).await?;
    write(&mut client, b'Z', b"I").await?;
    let mut kept = None;
    while transaction(&mut client, sessions, &startup, &mut kept).await? {}
    Ok(())
}

/// Serves one transaction; returns whether another may follow. Like a real pooler, it replaces a session whose client
/// has disconnected within a transaction.
async fn transaction(
    client: &mut TcpStream,
    sessions: &Sessions,
    startup: &[u8],
    kept: &mut Option<UnixStream>,
) -> io::Result<bool> {
    let first = read(client).await?;
    if first.0 == b'X' {
        return Ok(false);
    }
    let _permit = sessions.available.acquire().await.expect("never closed");
    let are_kept = sessions.are_kept.load(Ordering::SeqCst);
    let mut idle = sessions.idle.lock().await;
    if !are_kept {
        idle.extend(kept.take());
    }
    let free = kept.take().or_else(|| idle.pop_front());
    drop(idle);
    let mut session = match free {
        Some(session) => session,
        None => self::session(sessions, startup).await?,
    };
    let done = forward(first, client, &mut session).await;
    match done {
        Ok(()) if are_kept => *kept = Some(session),
        Ok(()) => sessions.idle.lock().await.push_back(session),
        Err(_) => drop(sessions.lost.fetch_add(1, Ordering::SeqCst)),
    }
    done.map(|()| true)
}

/// Forwards the client's messages until the transaction has ended.
async fn forward(
    mut next: (u8, Vec<u8>),
    client: &mut TcpStream,
    session: &mut UnixStream,
) -> io::Result<()> {
    loop {
        let (kind, body) = next;
        if kind == b'X' {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write(session, kind, &body).await?;
        if matches!(kind, b'Q' | b'S') && respond(session, client).await? {
            return Ok(());
        }
        next = read(client).await?;
    }
}

/// Forwards the server's response; returns whether the transaction has ended.
async fn respond(session: &mut UnixStream, client: &mut TcpStream) -> io::Result<bool> {
    loop {
        let (kind, body) = read(session).await?;
        write(client, kind, &body).await?;
        if kind == b'Z' {
            return Ok(body == b"I");
        }
    }
}

async fn read(from: &mut (impl AsyncReadExt + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_i32().await?;
    let mut body = vec![0; usize::try_from(length - 4).unwrap_or(0)];
    from.read_exact(&mut body).await?;
    Ok((kind, body))
}

async fn write(to: &mut (impl AsyncWriteExt + Unpin), kind: u8, body: &[u8]) -> io::Result<()> {
    let mut message = vec![kind];
    message.extend(i32::try_from(body.len() + 4).expect("the message is short").to_be_bytes());
    message.extend(body);
    to.write_all(&message).await
}
