//! Processes on Linux: their start in `/proc`, and their end.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};
use sha2::{Digest, Sha256};

use super::report::Report;
use crate::value::hex::hex;

/// Identifies this boot of this machine, and the namespaces of this process.
pub(super) fn machine() -> Option<String> {
    // A `/proc` that was mounted for another process id namespace describes other processes under our ids.
    let own_id = std::fs::read_link("/proc/self").ok()?;
    if own_id.to_str()?.parse() != Ok(std::process::id()) {
        return None;
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    // The start of a process is reported relative to the reader's time namespace. Kernels before 5.6 have none.
    let time = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let digest = Sha256::digest(format!("{} {} {}", boot.trim(), processes.display(), time.display()));
    Some(hex(&digest[..6]))
}

/// Returns what is certain about this process id.
pub(super) fn report(pid: i32) -> Report {
    let Some(pid) = Pid::from_raw(pid) else { return Report::Unknown };
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    interpret(stat, || test_kill_process(pid).map_err(io::Error::from))
}

/// Opens a descriptor that becomes readable when the process ends.
pub(super) fn open(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
}

/// Interprets `/proc/<pid>/stat` and, where it cannot be read, the answer to a signal that is only tested. `/proc` hides
/// processes of other users under `hidepid`, as if they did not exist; a signal is refused then, but not for lack of a
/// process.
fn interpret(stat: io::Result<String>, signal: impl FnOnce() -> io::Result<()>) -> Report {
    if let Some(report) = stat.ok().as_deref().and_then(parse) {
        return report;
    }
    let no_such_process = io::Error::from(rustix::io::Errno::SRCH);
    match signal() {
        Err(error) if error.raw_os_error() == no_such_process.raw_os_error() => Report::Ended,
        _ => Report::Unknown,
    }
}

/// Reads the state, the number of threads and the start from fields 3, 20 and 22 of proc(5).
fn parse(stat: &str) -> Option<Report> {
    // The second field is the program's name in parentheses, which may contain any character.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    let state = fields.next()?;
    let threads: u32 = fields.nth(16)?.parse().ok()?;
    let start = fields.nth(1)?;
    Some(match state {
        // A process whose first thread has ended looks like one that has ended, but its other threads run.
        "Z" | "X" if threads <= 1 => Report::Ended,
        "Z" | "X" => Report::Unknown,
        _ => Report::Runs { start: start.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/proc/<pid>/stat` of a program with a strange name.
    fn stat(state: &str, threads: u32) -> String {
        format!(
            "71 (a) Z 1 (b) {state} 1 71 71 0 -1 4194560 98 0 0 0 0 0 0 0 20 0 {threads} 0 8817 2306048 220"
        )
    }

    fn errno(error: rustix::io::Errno) -> io::Error {
        error.into()
    }

    #[test]
    fn a_process_that_runs_has_its_start() {
        let report = interpret(Ok(stat("S", 4)), || unreachable!("`/proc` is enough"));
        assert_eq!(report, Report::Runs { start: "8817".into() });
    }

    #[test]
    fn a_zombie_has_ended_unless_it_has_threads() {
        assert_eq!(parse(&stat("Z", 1)), Some(Report::Ended));
        assert_eq!(parse(&stat("Z", 3)), Some(Report::Unknown));
    }

    #[test]
    fn a_hidden_process_is_unknown() {
        // Under `hidepid=2`, `/proc/<pid>` does not exist for other users; under `hidepid=1`, it is not readable.
        for hidden in [rustix::io::Errno::NOENT, rustix::io::Errno::ACCESS, rustix::io::Errno::PERM] {
            let refused = || Err(errno(rustix::io::Errno::PERM));
            assert_eq!(interpret(Err(errno(hidden)), refused), Report::Unknown);
            assert_eq!(interpret(Err(errno(hidden)), || Ok(())), Report::Unknown);
        }
    }

    #[test]
    fn an_unreadable_proc_is_no_proof() {
        for error in [rustix::io::Errno::MFILE, rustix::io::Errno::IO, rustix::io::Errno::NFILE] {
            assert_eq!(interpret(Err(errno(error)), || Ok(())), Report::Unknown);
        }
        for text in ["", "71", "71 (a) S", "71 (a) S 1 2 3"] {
            assert_eq!(interpret(Ok(text.to_owned()), || Ok(())), Report::Unknown, "{text}");
        }
    }

    #[test]
    fn no_such_process_is_a_proof() {
        let missing = || Err(errno(rustix::io::Errno::SRCH));
        assert_eq!(interpret(Err(errno(rustix::io::Errno::NOENT)), missing), Report::Ended);
    }

    #[test]
    fn this_process_runs() {
        let own_id = i32::try_from(std::process::id()).unwrap();
        assert!(matches!(report(own_id), Report::Runs { .. }));
    }
}
