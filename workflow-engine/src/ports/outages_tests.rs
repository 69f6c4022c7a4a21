//! Tests of the lines that an outage adds to the log.

use super::*;

/// An instant, in seconds after the start of a test.
struct Time(Instant);

impl Time {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn at(&self, seconds: u64) -> Instant {
        self.0 + Duration::from_secs(seconds)
    }
}

#[test]
fn an_outage_of_all_tasks_is_two_lines() {
    let (mut state, time) = (State::default(), Time::start());
    assert_eq!(state.store_failed("claim work", time.at(0)), News::Away);
    for second in 1..20 {
        for task in ["claim work", "renew leases", "deliver"] {
            assert_eq!(state.store_failed(task, time.at(second)), News::None);
        }
    }
    assert_eq!(state.succeeded("listen", time.at(20)), News::None, "a task that did not fail");
    assert_eq!(state.succeeded("claim work", time.at(20)), News::None);
    assert_eq!(state.succeeded("deliver", time.at(21)), News::None);
    let lasted = Duration::from_secs(22);
    assert_eq!(state.succeeded("renew leases", time.at(22)), News::Back(lasted));
    assert!(!state.is_any_failing());
}

#[test]
fn a_task_that_has_ended_does_not_keep_an_outage_open() {
    let (mut state, time) = (State::default(), Time::start());
    assert_eq!(state.store_failed("commit", time.at(0)), News::Away);
    assert_eq!(state.store_failed("commit", time.at(7)), News::None);
    assert_eq!(state.succeeded("poll", time.at(10)), News::None);
    assert_eq!(state.succeeded("poll", time.at(40)), News::Back(Duration::from_secs(7)));
}

#[test]
fn a_store_that_fails_now_and_then_does_not_fill_the_log() {
    let (mut state, time) = (State::default(), Time::start());
    assert_eq!(state.store_failed("commit", time.at(0)), News::Away);
    assert!(matches!(state.succeeded("commit", time.at(1)), News::Back(_)));
    for second in 1..100 {
        assert_eq!(state.store_failed("commit", time.at(2 * second)), News::None);
        assert_eq!(state.succeeded("commit", time.at(2 * second + 1)), News::None);
    }
    // But an outage that lasts is mentioned.
    assert_eq!(state.store_failed("commit", time.at(201)), News::None);
    assert_eq!(state.store_failed("commit", time.at(206)), News::Away);
    assert_eq!(state.succeeded("commit", time.at(210)), News::Back(Duration::from_secs(9)));
    // And after a steady time, each is.
    assert_eq!(state.store_failed("commit", time.at(300)), News::Away);
}

#[test]
fn a_task_that_fails_for_another_reason_is_a_line_of_its_own() {
    let (mut state, time) = (State::default(), Time::start());
    assert_eq!(state.task_failed("retention", time.at(0)), News::TaskFails);
    assert_eq!(state.task_failed("retention", time.at(60)), News::None);
    assert_eq!(state.store_failed("claim work", time.at(60)), News::Away);
    assert_eq!(state.succeeded("retention", time.at(61)), News::TaskWorks(Duration::from_secs(61)));
    assert_eq!(state.succeeded("claim work", time.at(62)), News::Back(Duration::from_secs(2)));
}
