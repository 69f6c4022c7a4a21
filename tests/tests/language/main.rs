//! What workflows can say: inputs, state, values, choices, catches, waits, child runs, schedules, and their versions.

mod inputs;
mod state;
mod values;
mod stage_errors;
mod places;
mod choices;
mod catches;
mod delays;
mod run_signals;
mod child_runs;
mod schedules;
mod definitions;
mod compatibility;
mod test_kit;
