//! Describes the machine, without which figures cannot be compared.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// The machine and its software.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub memory_gib: f64,
    pub kernel: String,
    pub rustc: String,
    pub sqlite_on: String,
    pub postgres: Option<String>,
    /// Before the first measurement and after the last one.
    pub load: [String; 2],
}

impl Machine {
    /// Reads the description of this machine. `folder` contains the SQLite files.
    pub fn read(folder: &Path, postgres: Option<String>) -> Self {
        let of = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
        };
        let memory = of("/proc/meminfo", "MemTotal");
        let kib = memory.split(' ').next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default();
        Self {
            processor: of("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: kib / 1024.0 / 1024.0,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            rustc: output("rustc", &["--version"]),
            sqlite_on: file_system(folder),
            postgres,
            load: [load(), String::new()],
        }
    }
}

/// Returns the type of a folder's file system: on one in memory, `fsync` is free.
pub fn file_system(folder: &Path) -> String {
    output("stat", &["--file-system", "--format=%T", &folder.to_string_lossy()])
}

/// Returns the load averages of 1, 5 and 15 minutes.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = text.split_whitespace().take(3).collect();
    if load.is_empty() { "unknown".to_owned() } else { load.join(" ") }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok();
    let output = output.filter(|output| output.status.success());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
