//! Tests of instants.

use super::*;

#[test]
fn a_delay_beyond_the_calendar_is_never() {
    let now = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
    assert_eq!(after(now, Duration::from_micros(5)).timestamp_micros(), 1_700_000_000_123_461);
    assert_eq!(after(now, Duration::MAX), NEVER);
    assert_eq!(after(now, Duration::from_secs(u64::from(u32::MAX) * 400)), NEVER);
}
