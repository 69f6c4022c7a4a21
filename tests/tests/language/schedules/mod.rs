//! Schedules: each tick starts one run, also after outages, changes of the schedule and jumps of the clock.

mod fixture;
mod ticks;
mod processes;
mod nights;
mod outages;
mod overlaps;
mod changes;
mod refusals;
mod backfills;
