//! Detects whether a worker process of this machine has ended.
//!
//! A killed worker leaves its leases behind, and no other worker may take their jobs before they expire. But on the same
//! machine a worker can check whether the process still exists: if it has ended, its leases are void at once, and a
//! program that restarts after a crash need not wait. The leases of a worker on another machine, or with a name that the
//! user chose, always run until they expire.

use uuid::Uuid;

/// Returns a unique worker name from which another process of this machine can detect whether this process has ended:
/// `worker-<machine>-<pid>-<start>-<random>`.
pub(super) fn worker_name() -> String {
    let unique = Uuid::now_v7().simple().to_string();
    let unique = &unique[20..];
    let pid = std::process::id();
    match (machine(), started(pid)) {
        (Some(machine), Some(start)) => format!("worker-{machine}-{pid}-{start}-{unique}"),
        _ => format!("worker-{pid}-{unique}"),
    }
}

/// Returns whether this worker's process has certainly ended.
pub(super) fn is_gone(worker: &str) -> bool {
    let mut parts = worker.split('-');
    let (Some("worker"), Some(there), Some(pid), Some(start), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    // A process id may be used again, but not with the same start time.
    machine().is_some_and(|here| here == there) && started(pid).is_none_or(|now| now != start)
}

/// Identifies this boot of this machine and this process id namespace, within which a process id and a start time identify
/// one process.
#[cfg(target_os = "linux")]
fn machine() -> Option<String> {
    use sha2::{Digest, Sha256};

    use crate::value::hex::hex;

    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let digest = Sha256::digest(format!("{} {}", boot.trim(), namespace.display()));
    Some(hex(&digest[..6]))
}

/// Returns when the process started, in clock ticks since the boot: field 22 of `/proc/<pid>/stat`, see proc(5).
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may contain any character.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace();
    // A zombie has ended; its parent has not read the exit status yet.
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
fn machine() -> Option<String> {
    None
}

#[cfg(not(target_os = "linux"))]
fn started(_: u32) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_is_not_gone() {
        assert!(!is_gone(&worker_name()));
    }

    #[test]
    fn a_process_that_has_ended_is_gone() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let name = format!(
            "worker-{}-{}-{}-0123456789ab",
            machine().unwrap(),
            child.id(),
            started(child.id()).unwrap_or_else(|| "0".into())
        );
        child.wait().unwrap();
        assert!(is_gone(&name));
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let name = format!("worker-{}-{}-1-0123456789ab", machine().unwrap(), std::process::id());
        assert!(is_gone(&name));
    }

    #[test]
    fn workers_on_other_machines_or_with_other_names_are_not_gone() {
        let elsewhere = format!("worker-000000000000-{}-1-0123456789ab", u32::MAX);
        for name in [elsewhere.as_str(), "billing", "worker-1-2", "worker-a-b-c-d", ""] {
            assert!(!is_gone(name), "{name}");
        }
    }
}
