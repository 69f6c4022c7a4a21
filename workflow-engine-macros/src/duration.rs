//! Durations in options: `"30s"`.

/// The units; one that ends with another comes first.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds of `"250ms"`, `"30s"`, `"5m"`, `"2h"` or `"1d"`; `None` for anything else, zero included.
pub fn millis(text: &str) -> Option<u64> {
    let (unit, factor) = UNITS.iter().find(|(unit, _)| {
        text.strip_suffix(unit).is_some_and(|number| number.ends_with(|last: char| last.is_ascii_digit()))
    })?;
    let number = text.strip_suffix(unit)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|millis| *millis > 0)
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("5m"), Some(300_000));
        assert_eq!(millis("2h"), Some(7_200_000));
        assert_eq!(millis("1d"), Some(86_400_000));
        for wrong in
            ["", "s", "30", "30 s", "1.5s", "-1s", "0s", "30 parsecs", "99999999999999999999s", "1m30s"]
        {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
