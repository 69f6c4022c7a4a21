//! The programs themselves: what they print, and their exit codes.

mod programs;
mod world;
mod lists;
mod acting;
mod schedules;
mod signals;
mod exit_codes;
mod formats;
mod own_program;
mod servers;
mod without_code;
mod doctor;
mod indexes;
mod pipes;
#[cfg(target_os = "linux")]
mod pty;
#[cfg(target_os = "linux")]
mod terminals;
mod typescript;
