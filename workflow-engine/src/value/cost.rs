//! Exact amounts of money.

use std::fmt;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// An exact amount of US dollars, from 0 to 9,223,372 USD.
///
/// The unit is the picodollar, 10⁻¹² USD, so sums are never rounded: at a price of 1 USD per million tokens, one token
/// costs 1,000,000 picodollars. Sums and differences saturate. Text and JSON are decimal: `"0.50 USD"`.
///
/// ```
/// use workflow_engine::Cost;
///
/// let cost: Cost = "0.0000001 USD".parse()?;
/// assert_eq!((0..10_000).map(|_| cost).sum::<Cost>().to_string(), "0.001 USD");
/// # Ok::<(), workflow_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(i64);

impl Cost {
    /// 0 USD.
    pub const ZERO: Self = Self(0);
    /// The largest amount, 9,223,372.036854775807 USD.
    pub const MAX: Self = Self(i64::MAX);
    const PER_DOLLAR: i64 = 1_000_000_000_000;
    const DECIMALS: usize = 12;

    /// Makes an amount of picodollars (10⁻¹² USD). A negative number gives [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn from_picodollars(picodollars: i64) -> Self {
        Self(if picodollars < 0 { 0 } else { picodollars })
    }

    /// Returns the amount in picodollars (10⁻¹² USD).
    #[must_use]
    pub const fn picodollars(self) -> i64 {
        self.0
    }

    /// Returns the amount minus `other`, at least [`ZERO`](Self::ZERO).
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self::from_picodollars(self.0.saturating_sub(other.0))
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:012}", self.0 % Self::PER_DOLLAR);
        // At least two decimals, and no zeros at the end after those.
        let shown = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{}.{} USD", self.0 / Self::PER_DOLLAR, &fraction[..shown])
    }
}

impl FromStr for Cost {
    type Err = Error;

    /// Reads `"0.50 USD"`, `"3 USD"` or `"0.000000000001 USD"`. The currency is optional.
    ///
    /// # Errors
    /// `INVALID_COST` for a sign, an exponent, another currency, more than 12 decimals or an amount above [`MAX`](Self::MAX).
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| Error::invalid_cost(text))
    }
}

fn parse(text: &str) -> Option<Cost> {
    let number = text.trim().strip_suffix("USD").unwrap_or(text).trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > Cost::DECIMALS {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<12}").parse().ok()?;
    whole.checked_mul(Cost::PER_DOLLAR)?.checked_add(fraction).map(Cost)
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Cost;

    #[test]
    fn text_is_read_and_written_exactly() {
        for (text, picodollars, shown) in [
            ("0", 0, "0.00 USD"),
            ("0.50 USD", 500_000_000_000, "0.50 USD"),
            ("3 USD", 3_000_000_000_000, "3.00 USD"),
            ("12.3456", 12_345_600_000_000, "12.3456 USD"),
            ("0.000000000001USD", 1, "0.000000000001 USD"),
            ("9223372.036854775807", i64::MAX, "9223372.036854775807 USD"),
        ] {
            let cost: Cost = text.parse().unwrap();
            assert_eq!((cost.picodollars(), cost.to_string().as_str()), (picodollars, shown), "{text}");
            assert_eq!(cost.to_string().parse::<Cost>().unwrap(), cost);
        }
    }

    #[test]
    fn a_text_that_is_not_an_amount_is_an_error() {
        for text in
            ["", "USD", "-1", "+1", "1e3", "1.", ".5", "1,5", "0.0000000000001", "9223372.1", "5 EUR", "١"]
        {
            let error = text.parse::<Cost>().unwrap_err();
            assert_eq!(error.code(), "INVALID_COST", "{text}");
        }
    }

    #[test]
    fn sums_saturate_at_the_largest_amount() {
        assert_eq!(Cost::MAX + Cost::from_picodollars(1), Cost::MAX);
        assert_eq!(Cost::ZERO.less(Cost::MAX), Cost::ZERO);
    }
}
