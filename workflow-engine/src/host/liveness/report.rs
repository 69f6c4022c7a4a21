//! What the operating system reports about a process.

/// What the operating system reports about a process id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// A process with this id runs, and started then.
    Runs {
        /// The start, as in `Process::start`.
        start: String,
    },
    /// The process with this id has ended, or there is none.
    Ended,
    /// Nothing certain: the report could not be read, or is hidden from this process.
    Unknown,
}
