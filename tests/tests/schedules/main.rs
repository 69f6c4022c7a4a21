//! Schedules: each tick starts one run, whatever happens around it.

mod fixture;
mod ticks;
mod nights;
mod outages;
mod overlaps;
mod changes;
mod refusals;
mod backfills;
