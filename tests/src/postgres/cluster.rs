//! A throwaway cluster.
//!
//! A shell starts it and reads commands from its standard input. When that input ends, the shell stops and removes the
//! cluster; so it does not outlive the process that started it, whether that returns, panics or is killed.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use super::binaries::{folder, shell, user};

/// `$BIN` is the folder of the programs, `$HOME_OF_CLUSTER` the folder of the cluster, and `$SETTINGS` has lines for
/// its configuration. The settings for durability keep their defaults.
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
while read -r command; do
    case "$command" in
        stop) control -m immediate stop; echo done ;;
        start) start; echo done ;;
    esac
done
control -m immediate stop
cd / && rm -rf "$HOME_OF_CLUSTER"
"#;

/// A running cluster.
pub struct Cluster {
    url: String,
    socket: PathBuf,
    commands: Option<Mutex<(ChildStdin, BufReader<ChildStdout>)>>,
    shell: Child,
}

impl Cluster {
    /// Starts a cluster; `None` if PostgreSQL is not installed.
    ///
    /// # Panics
    /// If PostgreSQL is installed but does not start.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// Starts a cluster with these lines in its configuration; `None` if PostgreSQL is not installed.
    ///
    /// # Panics
    /// If PostgreSQL is installed but does not start.
    pub fn start_with(settings: &str) -> Option<Self> {
        let bin = folder()?;
        let user = user();
        // The shell removes the folder: this process could not if it were killed.
        let home = tempfile::Builder::new().prefix("pg").tempdir().expect("a temporary folder").keep();
        std::fs::set_permissions(&home, Permissions::from_mode(0o700))
            .expect("the folder belongs to this process");
        if let Some(user) = &user {
            chown(&home, Some(user.uid), Some(user.gid)).expect("root may change the owner");
        }
        let mut shell = shell(user.as_ref(), SCRIPT)
            .env("BIN", &bin)
            .env("HOME_OF_CLUSTER", &home)
            .env("SETTINGS", settings)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C must end only the tests: the shell has to outlive them.
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        let commands = shell.stdin.take().expect("it is piped");
        let mut output = BufReader::new(shell.stdout.take().expect("it is piped"));
        let mut ready = String::new();
        output.read_line(&mut ready).expect("the shell responds");
        assert_eq!(ready.trim(), "ready", "PostgreSQL in {} does not start", bin.display());
        let socket = home.to_str().expect("a temporary path is text").replace('/', "%2F");
        let url = format!("postgres://postgres@localhost/postgres?host={socket}");
        let socket = home.join(".s.PGSQL.5432");
        Some(Self { url, socket, commands: Some(Mutex::new((commands, output))), shell })
    }

    /// Returns the URL of its database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the socket on which the server listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Stops the server like a crash.
    pub fn crash(&self) {
        self.command("stop");
    }

    /// Starts the server again.
    pub fn restart(&self) {
        self.command("start");
    }

    fn command(&self, command: &str) {
        let Some(pipes) = &self.commands else { return };
        let mut pipes = pipes.lock().expect("no panic under this lock");
        writeln!(pipes.0, "{command}").expect("the shell is running");
        let mut done = String::new();
        pipes.1.read_line(&mut done).expect("the shell responds");
        assert_eq!(done.trim(), "done");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The shell waits for the end of its input.
        self.commands = None;
        let _ = self.shell.wait();
    }
}
