//! A throwaway cluster.
//!
//! A shell starts it, takes orders on its standard input, and stops and removes it when that ends: so it goes with the
//! process that started it, whether that returns, panics or is killed.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use super::binaries::{folder, shell, user};

/// `$BIN` has the programs, `$HOME_OF_CLUSTER` is the folder, `$SETTINGS` are lines for its configuration. Settings that
/// make it durable are left as they are.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cd "$HOME_OF_CLUSTER" || exit 1
control() { "$BIN/pg_ctl" -D data -w -t 60 -l log "$@" >>control.log 2>&1 </dev/null; }
start() {
    control -o "-c listen_addresses='' -c unix_socket_directories='$HOME_OF_CLUSTER' -c port=5432 -c max_connections=300" start
}
create() {
    "$BIN/initdb" -D data -U postgres -A trust -E UTF8 --locale=C -N >control.log 2>&1 || return 1
    printf '%s\n' "$SETTINGS" >>data/postgresql.conf
}
if create && start; then
    echo ready
else
    cat control.log log >&2
fi
while read -r order; do
    case "$order" in
        stop) control -m immediate stop; echo done ;;
        start) start; echo done ;;
    esac
done
control -m immediate stop
cd / && rm -rf "$HOME_OF_CLUSTER"
"#;

/// A cluster that runs.
pub struct Cluster {
    url: String,
    socket: PathBuf,
    orders: Option<Mutex<(ChildStdin, BufReader<ChildStdout>)>>,
    shell: Child,
}

impl Cluster {
    /// Starts one; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts one with these lines in its configuration; `None` where PostgreSQL is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start_with(settings: &str) -> Option<Self> {
        let bin = folder()?;
        let user = user();
        // The shell removes it, and this process cannot where it is killed.
        let home = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary folder").keep();
        std::fs::set_permissions(&home, Permissions::from_mode(0o700)).expect("it is ours");
        if let Some(user) = &user {
            chown(&home, Some(user.uid), Some(user.gid)).expect("root may");
        }
        let mut shell = shell(user.as_ref(), SCRIPT)
            .env("BIN", &bin)
            .env("HOME_OF_CLUSTER", &home)
            .env("SETTINGS", settings)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A Ctrl-C is for the tests; the shell has to outlive them.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let orders = shell.stdin.take().expect("it is piped");
        let mut answers = BufReader::new(shell.stdout.take().expect("it is piped"));
        let mut ready = String::new();
        answers.read_line(&mut ready).expect("the shell answers");
        assert_eq!(ready.trim(), "ready", "PostgreSQL in {} does not start", bin.display());
        let socket = home.to_str().expect("a temporary path is text").replace('/', "%2F");
        let url = format!("postgres://postgres@localhost/postgres?host={socket}");
        let socket = home.join(".s.PGSQL.5432");
        Some(Self { url, socket, orders: Some(Mutex::new((orders, answers))), shell })
    }

    /// The URL of its database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The socket that the server listens on.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops the server as a crash would.
    pub fn crash(&self) {
        self.order("stop");
    }

    /// Starts it again.
    pub fn restart(&self) {
        self.order("start");
    }

    fn order(&self, order: &str) {
        let Some(pipes) = &self.orders else { return };
        let mut pipes = pipes.lock().expect("no panic under this lock");
        writeln!(pipes.0, "{order}").expect("the shell is there");
        let mut done = String::new();
        pipes.1.read_line(&mut done).expect("the shell answers");
        assert_eq!(done.trim(), "done");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is what the shell waits for.
        self.orders = None;
        let _ = self.shell.wait();
    }
}
