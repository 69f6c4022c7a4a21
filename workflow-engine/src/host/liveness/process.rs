//! A process of this machine, and the proofs of its end.

#[cfg(not(target_os = "linux"))]
use unsupported as system;

#[cfg(target_os = "linux")]
use super::linux as system;
use super::report::Report;

/// A process, identified within one boot and one process id namespace of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Process {
    /// The process id. It may be used again after the end of the process, but not with the same start.
    pub(super) pid: i32,
    /// When the process started, in clock ticks since the boot, as decimal text.
    pub(super) start: String,
}

impl Process {
    /// Returns whether this report proves that the process has ended.
    pub(super) fn has_ended(&self, report: &Report) -> bool {
        match report {
            // The process id has been used again.
            Report::Runs { start } => *start != self.start,
            Report::Ended => true,
            Report::Unknown => false,
        }
    }

    /// Returns what the operating system reports about this process's id.
    pub(super) fn report(&self) -> Report {
        system::report(self.pid)
    }
}

/// Returns a text that identifies this machine, this boot of it, and everything else within which a process id and a
/// start identify one process. `None` where the operating system does not offer what is needed.
pub(super) fn machine() -> Option<&'static str> {
    use std::sync::OnceLock;

    // Fixed for the life of a process: what follows identifies the process itself too.
    static MACHINE: OnceLock<Option<String>> = OnceLock::new();
    MACHINE.get_or_init(system::machine).as_deref()
}

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use crate::host::liveness::report::Report;

    pub(super) const fn report(_: i32) -> Report {
        Report::Unknown
    }

    pub(super) const fn machine() -> Option<String> {
        None
    }
}
