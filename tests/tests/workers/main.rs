//! Workers and what happens to them: leases, deliveries, outages, clocks that jump, callers that stop waiting, and
//! processes that are killed.

mod leases;
mod late_outcomes;
mod late_effects;
mod wakes;
mod idle;
mod callers;
mod short_bodies;
mod delivery;
mod takeover;
mod processes;
mod kill;
mod shutdown;
mod dropped_engines;
mod descriptors;
mod unavailable_ports;
mod clock_jumps;
mod traps;
