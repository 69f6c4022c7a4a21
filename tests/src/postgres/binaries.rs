//! Finds a local PostgreSQL installation, and the user who may run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder with `initdb` and `pg_ctl`, of the newest version that is found.
pub(super) fn folder() -> Option<PathBuf> {
    let configured = output("pg_config", &["--bindir"]).map(PathBuf::from);
    let mut packaged: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    packaged.sort_by_key(|bin| std::cmp::Reverse(version_of(bin)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = configured.into_iter().chain(packaged).chain(std::env::split_paths(&path));
    found
        .into_iter()
        .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists()))
}

fn version_of(bin: &Path) -> u32 {
    let version = bin.parent().and_then(Path::file_name).and_then(|version| version.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// The user as whom PostgreSQL runs, because it refuses to run as root.
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Returns the user to switch to; `None` if this process does not run as root.
pub(super) fn user() -> Option<User> {
    if id(&["-u"])? != 0 {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some(User { name, uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
}

/// Returns a command that runs `script` in a shell, as that user.
pub(super) fn shell(user: Option<&User>, script: &str) -> Command {
    let Some(User { name, uid, gid }) = user else {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        return command;
    };
    let exists = |tool: &str| output("sh", &["-c", &format!("command -v {tool}")]).is_some();
    if exists("setpriv") {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
        command.args(["--clear-groups", "sh", "-c", script]);
        command
    } else if exists("runuser") {
        let mut command = Command::new("runuser");
        command.args(["-u", name, "--", "sh", "-c", script]);
        command
    } else {
        let mut command = Command::new("su");
        command.args([name, "-s", "/bin/sh", "-c", script]);
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    output("id", arguments)?.parse().ok()
}

/// Returns the output of a command, if it succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
