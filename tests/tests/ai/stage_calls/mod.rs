//! Calls of models in stages: their rows for every outcome of the attempt, and their budgets.

mod budgets;
mod crashes;
mod outcomes;
mod script;
mod waiting;
