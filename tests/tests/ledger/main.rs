//! Calls of models in stages: what is written of them whatever becomes of the attempt, and what they may cost.

mod budgets;
mod crashes;
mod outcomes;
mod script;
mod waiting;
