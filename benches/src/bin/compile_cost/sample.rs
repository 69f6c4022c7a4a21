//! The time that one call of cargo takes.

use std::fs;
use std::time::Duration;

/// One call of cargo.
#[derive(Clone, Copy)]
pub struct Sample {
    pub wall: Duration,
    /// Processor time of cargo and all its child processes, in steps of 10 ms; zero where the system does not report it.
    pub cpu: Duration,
}

/// Returns the processor time of all child processes that have ended.
pub fn children_cpu() -> Duration {
    // `cutime` and `cstime` are fields 16 and 17. The name, field 2, may contain spaces but ends with `)`.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
