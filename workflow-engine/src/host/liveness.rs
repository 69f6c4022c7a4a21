//! Whether a worker of this machine is still there.
//!
//! A worker that was killed leaves its leases behind, and nobody may touch them before they run out. But a process of
//! the same machine can be asked for: when it is gone, its leases are void at once, and a program that is started
//! again after a crash need not wait. Of a worker elsewhere, or under a name of the user's own, nothing is known, and
//! its leases run their time.

use uuid::Uuid;

/// A name that no other worker has, and from which another process of this machine can see whether it lives:
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

/// Whether this worker's process is certainly gone.
pub(super) fn is_gone(worker: &str) -> bool {
    let mut parts = worker.split('-');
    let (Some("worker"), Some(there), Some(pid), Some(start), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    // A process id comes back, the instant of its start does not.
    machine().is_some_and(|here| here == there) && started(pid).is_none_or(|now| now != start)
}

/// This boot of this machine and this process-id namespace: inside it, a process id and its start name one process.
#[cfg(target_os = "linux")]
fn machine() -> Option<String> {
    use sha2::{Digest, Sha256};

    use crate::value::hex::hex;

    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let digest = Sha256::digest(format!("{} {}", boot.trim(), namespace.display()));
    Some(hex(&digest[..6]))
}

/// When the process started, in clock ticks since the boot: field 22 of `/proc/<pid>/stat`, see proc(5).
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything.
    let after_name = &stat[stat.rfind(')')? + 1..];
    let mut fields = after_name.split_whitespace();
    // A zombie has ended; only its parent has not asked yet.
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
    fn this_process_is_not_gone() {
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
    fn a_process_id_that_came_back_is_another_process() {
        let name = format!("worker-{}-{}-1-0123456789ab", machine().unwrap(), std::process::id());
        assert!(is_gone(&name));
    }

    #[test]
    fn nothing_is_known_of_workers_elsewhere_or_under_other_names() {
        let elsewhere = format!("worker-000000000000-{}-1-0123456789ab", u32::MAX);
        for name in [elsewhere.as_str(), "billing", "worker-1-2", "worker-a-b-c-d", ""] {
            assert!(!is_gone(name), "{name}");
        }
    }
}
