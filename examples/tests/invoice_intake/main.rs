//! The program `invoice_intake`, used over HTTP, killed, and started twice.

#[path = "../programs/mod.rs"]
mod programs;

mod killing;
mod program;
mod requests;
mod walk;
