//! Names of workers that identify their process: `worker-<machine>-<pid>-<start>-<random>`.

use uuid::Uuid;

use super::process::{Process, machine};
use super::report::Report;

/// Returns a unique worker name from which another process of this machine can detect whether this process has ended.
pub(in crate::host) fn worker_name() -> String {
    let unique = Uuid::now_v7().simple().to_string();
    let unique = &unique[20..];
    match (machine(), this_process()) {
        (Some(machine), Some(Process { pid, start })) => format!("worker-{machine}-{pid}-{start}-{unique}"),
        _ => format!("worker-{}-{unique}", std::process::id()),
    }
}

/// Returns the process of the worker with this name, if it is or was a process of this machine.
pub(super) fn local_process(worker: &str) -> Option<Process> {
    let mut parts = worker.split('-');
    let (Some("worker"), Some(there), Some(pid), Some(start), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    // Zero and negative numbers are process groups to the operating system.
    let pid = pid.parse().ok().filter(|pid| *pid > 0)?;
    (machine() == Some(there)).then(|| Process { pid, start: start.to_owned() })
}

/// What is certain about the process of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liveness {
    Runs,
    Ended,
    /// It is or was a process of another machine, or the operating system hides it.
    Unknown,
}

/// Returns what is certain about the process of the worker with this name.
pub(crate) fn liveness(worker: &str) -> Liveness {
    let Some(process) = local_process(worker) else { return Liveness::Unknown };
    match process.report() {
        Report::Unknown => Liveness::Unknown,
        report if process.has_ended(&report) => Liveness::Ended,
        _ => Liveness::Runs,
    }
}

/// Returns this process, where the operating system reports it.
pub(super) fn this_process() -> Option<Process> {
    let pid = i32::try_from(std::process::id()).ok()?;
    match (Process { pid, start: String::new() }).report() {
        Report::Runs { start } => Some(Process { pid, start }),
        Report::Ended | Report::Unknown => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_process() {
        assert_eq!(local_process(&worker_name()), this_process());
    }

    #[test]
    fn workers_on_other_machines_or_with_other_names_have_no_local_process() {
        let elsewhere = format!("worker-000000000000-{}-1-0123456789ab", i32::MAX);
        let group = format!("worker-{}-0-1-0123456789ab", machine().unwrap());
        for name in [elsewhere.as_str(), group.as_str(), "billing", "worker-1-2", "worker-a-b-c-d", ""] {
            assert_eq!(local_process(name), None, "{name}");
        }
    }
}
