//! File descriptors: whether an error means that the process or the machine has no more of them.

use std::io;

/// The [`io::Error::raw_os_error`] of `EMFILE`, the limit of the process, and `ENFILE`, that of the machine.
#[cfg(unix)]
const SHORTAGES: [i32; 2] = [24, 23];
/// Other systems have no such limit in practice.
#[cfg(not(unix))]
const SHORTAGES: [i32; 0] = [];

/// Returns whether an error means that there are no more file descriptors.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| SHORTAGES.contains(&code))
}

/// Returns the error that the system has for a process that needs `count` more descriptors, if the system refuses them.
pub(crate) fn shortage(count: usize) -> Option<io::Error> {
    if cfg!(not(unix)) {
        return None;
    }
    let opened: io::Result<Vec<_>> = (0..count).map(|_| std::fs::File::open("/dev/null")).collect();
    opened.err().filter(is_shortage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_free_descriptors_has_no_shortage() {
        assert!(shortage(8).is_none());
        assert!(!is_shortage(&io::Error::from(io::ErrorKind::NotFound)));
    }
}
