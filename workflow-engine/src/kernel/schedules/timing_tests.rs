//! The ticks of patterns in both nights of the year, forwards and backwards.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Timing, due_of};
use crate::records::Schedule;
use crate::value::Json;

fn schedule(cron: Option<&str>, zone: Option<&str>, every: Option<Duration>) -> Schedule {
    let mut fields = serde_json::json!({ "id": "test", "workflow_id": "report", "input": null });
    if let Some(cron) = cron {
        fields["cron"] = cron.into();
    }
    if let Some(zone) = zone {
        fields["zone"] = zone.into();
    }
    if let Some(every) = every {
        fields["every_ms"] = u64::try_from(every.as_millis()).unwrap().into();
    }
    Json::write(&fields).unwrap().decode().unwrap()
}

fn timing(cron: &str, zone: &str) -> Timing {
    Timing::of(&schedule(Some(cron), Some(zone), None)).unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn between(timing: &Timing, from: &str, to: &str) -> Vec<String> {
    let to = instant(to);
    let ticks = std::iter::successors(timing.at_or_after(instant(from)), |tick| timing.after(*tick));
    let found: Vec<_> = ticks.take_while(|tick| *tick < to).collect();
    let backwards = std::iter::successors(timing.before(to), |tick| timing.before(*tick));
    let mut backwards: Vec<_> = backwards.take_while(|tick| *tick >= instant(from)).collect();
    backwards.reverse();
    assert_eq!(found, backwards, "the search backwards finds the same ticks");
    found.iter().map(|tick| tick.format("%d %H:%M").to_string()).collect()
}

#[test]
fn a_daily_pattern_in_a_missing_hour_ticks_at_the_end_of_the_hour() {
    let berlin = timing("30 2 * * *", "Europe/Berlin");
    // 02:30 on the 29th does not exist: the clocks go from 02:00 to 03:00, at 01:00 in UTC.
    let ticks = between(&berlin, "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
    assert_eq!(ticks, ["28 01:30", "29 01:00", "30 00:30"]);
    let new_york = timing("30 2 * * *", "America/New_York");
    let ticks = between(&new_york, "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z");
    assert_eq!(ticks, ["07 07:30", "08 07:00", "09 06:30"]);
}

#[test]
fn a_daily_pattern_in_a_repeated_hour_ticks_once() {
    let berlin = timing("30 2 * * *", "Europe/Berlin");
    let ticks = between(&berlin, "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z");
    assert_eq!(ticks, ["24 00:30", "25 00:30", "26 01:30"]);
    let new_york = timing("30 1 * * *", "America/New_York");
    let ticks = between(&new_york, "2026-10-31T00:00:00Z", "2026-11-03T00:00:00Z");
    assert_eq!(ticks, ["31 05:30", "01 05:30", "02 06:30"]);
}

#[test]
fn a_pattern_of_every_half_hour_ticks_in_both_hours() {
    let berlin = timing("*/30 * * * *", "Europe/Berlin");
    let ticks = between(&berlin, "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(ticks, ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]);
    let ticks = between(&berlin, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    assert_eq!(ticks, ["29 00:00", "29 00:30", "29 01:00", "29 01:30"]);
    let new_york = timing("*/30 * * * *", "America/New_York");
    let ticks = between(&new_york, "2026-11-01T05:00:00Z", "2026-11-01T07:00:00Z");
    assert_eq!(ticks, ["01 05:00", "01 05:30", "01 06:00", "01 06:30"]);
}

#[test]
fn a_period_ticks_at_its_multiples_since_1970() {
    let hourly = Timing::of(&schedule(None, None, Some(Duration::from_secs(3_600)))).unwrap();
    let ticks = between(&hourly, "2026-05-01T10:00:00Z", "2026-05-01T13:00:00Z");
    assert_eq!(ticks, ["01 10:00", "01 11:00", "01 12:00"]);
}

#[test]
fn a_pattern_that_never_fires_has_no_tick() {
    for pattern in ["0 0 31 2 *", "0 0 0 1 1 * 2020"] {
        assert_eq!(timing(pattern, "UTC").after(instant("2026-01-01T00:00:00Z")), None, "{pattern}");
    }
    let leap = timing("0 0 29 2 *", "UTC").after(instant("2026-01-01T00:00:00Z"));
    assert_eq!(leap, Some(instant("2028-02-29T00:00:00Z")));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let refused = |cron, zone, every| Timing::of(&schedule(cron, zone, every)).err().unwrap().to_string();
    contains(&refused(Some("0 25 * * *"), None, None), "the cron pattern `0 25 * * *` cannot be read");
    contains(
        &refused(Some("0 2 * * *"), Some("Europe/Berlim"), None),
        "schedule `test` is not valid: there is no time zone `Europe/Berlim`, did you mean `Europe/Berlin`?",
    );
    contains(&refused(None, None, None), "it needs either a cron pattern or a period");
    contains(&refused(None, Some("UTC"), Some(Duration::from_secs(60))), "a zone belongs to a cron pattern");
    contains(
        &refused(None, None, Some(Duration::from_millis(10))),
        "its period is 10ms, but must be from 1s",
    );
}

fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "{text}");
}

#[test]
fn a_jitter_depends_on_the_schedule_and_the_tick_alone() {
    let mut jittered = schedule(Some("0 * * * *"), None, None);
    jittered.jitter = Duration::from_secs(600);
    let ticks = (0..24).map(|hour| instant(&format!("2026-05-01T{hour:02}:00:00Z")));
    let delays: Vec<_> = ticks.map(|tick| (due_of(&jittered, tick) - tick).num_milliseconds()).collect();
    assert!(delays.iter().all(|delay| (0..=600_000).contains(delay)), "{delays:?}");
    let different: std::collections::BTreeSet<_> = delays.iter().collect();
    assert!(different.len() > 20, "{delays:?}");
    let tick = instant("2026-05-01T03:00:00Z");
    assert_eq!((due_of(&jittered, tick) - tick).num_milliseconds(), delays[3], "the same in every process");
}
