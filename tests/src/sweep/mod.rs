//! Code that the crash sweep's test and its child process share: the points, the ports that contain them, and the
//! workflows.

pub mod outage;
pub mod points;
pub mod ports;
pub mod workflows;
pub mod run;
mod schedule;
mod times;
