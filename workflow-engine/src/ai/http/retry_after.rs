//! The delay that a server requests before the next attempt.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The maximum delay. A longer one is a mistake of the server, which must not stop a run for years.
const MAX_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `retry-after-ms` (OpenAI), or `retry-after` in seconds or as a date.
///
/// A date is compared with the response's own `date` header, so that a wrong local clock does no harm.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let milliseconds = text("retry-after-ms").and_then(number).and_then(|ms| seconds(ms / 1000.0));
    if milliseconds.is_some() {
        return milliseconds;
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Some(number) = number(after) {
        return seconds(number);
    }
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(after)? - date(text(DATE.as_str())?)?;
    Some(wait.to_std().unwrap_or_default().min(MAX_DELAY))
}

/// Parses a delay such as `34.07s`, from the body of Google's errors.
pub(super) fn delay(text: &str) -> Option<Duration> {
    seconds(text.strip_suffix('s')?.parse().ok()?)
}

fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() || number < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(number).unwrap_or(MAX_DELAY).min(MAX_DELAY))
}
