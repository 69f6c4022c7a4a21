//! Amounts of money in options: `"0.50 USD"`.

/// The number of decimals: an amount is a whole number of picodollars, 10⁻¹² USD.
const DECIMALS: usize = 12;

/// Picodollars of `"0.50 USD"`, `"3 USD"` or `"0.50"`, as the library parses them; `None` for any other text.
pub fn picodollars(text: &str) -> Option<i64> {
    let number = text.trim().strip_suffix("USD").unwrap_or(text).trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    format!("{whole}{fraction:0<DECIMALS$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::picodollars;

    #[test]
    fn an_amount_is_decimal_and_in_dollars() {
        assert_eq!(picodollars("0.50 USD"), Some(500_000_000_000));
        assert_eq!(picodollars("3 USD"), Some(3_000_000_000_000));
        assert_eq!(picodollars("0"), Some(0));
        assert_eq!(picodollars("0.000000000001USD"), Some(1));
        assert_eq!(picodollars("9223372.036854775807"), Some(i64::MAX));
        for wrong in ["", "USD", "-1", "1e3", "1.", ".5", "1,5", "0.0000000000001", "9223372.1", "5 EUR"] {
            assert_eq!(picodollars(wrong), None, "{wrong}");
        }
    }
}
