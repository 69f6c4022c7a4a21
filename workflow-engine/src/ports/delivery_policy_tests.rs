//! Tests of the delivery policy.

use super::*;

#[test]
fn each_retry_waits_twice_as_long_up_to_the_longest() {
    let policy = DeliveryPolicy::default();
    let seconds: Vec<u64> = (1..=4).map(|refusals| policy.delay(refusals).as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 8]);
    for refusals in [10, 32, 33, u32::MAX] {
        assert_eq!(policy.delay(refusals), policy.longest_delay, "{refusals}");
    }
}
