//! Settings of the engine, of hosts and of stores: each has a permitted range.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::Error;

/// A day, as a unit of long durations.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The longest time that a setting may name: instants that lie as far ahead can still be stored.
pub(crate) const CENTURY: Duration = Duration::from_secs(36_525 * 86_400);

/// Checks that a setting is in its range. Both limits are permitted.
///
/// # Errors
/// `INVALID_SETTING`, with the name, the value and the range.
pub(crate) fn check_range<T: PartialOrd + Debug>(
    name: &str,
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), Error> {
    if range.contains(value) { Ok(()) } else { Err(Error::invalid_setting(name, value, range)) }
}

/// Checks the name of a worker, which is stored with its leases.
///
/// # Errors
/// `INVALID_SETTING` when it is empty, longer than 255 bytes, or has control characters.
pub(crate) fn check_worker_id(worker_id: &str) -> Result<(), Error> {
    const MAX_BYTES: usize = 255;

    let is_valid =
        !worker_id.is_empty() && worker_id.len() <= MAX_BYTES && !worker_id.chars().any(char::is_control);
    if is_valid {
        return Ok(());
    }
    let shown: String = worker_id.chars().take(64).collect();
    Err(Error::invalid_setting_text("worker_id", &shown, "1 to 255 bytes without control characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_setting_the_value_and_the_range() {
        let range = Duration::from_millis(100)..=DAY;
        assert!(check_range("lease", &DAY, &range).is_ok());
        let error = check_range("lease", &Duration::ZERO, &range).unwrap_err();
        assert_eq!(error.to_string(), "the setting `lease` is 0ns, but must be from 100ms to 86400s");
    }
}
