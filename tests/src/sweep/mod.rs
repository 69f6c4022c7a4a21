//! What the crash sweep's test and its child process share: the points at which something happens, the ports that have
//! them, and the workflows.

pub mod points;
pub mod ports;
pub mod workflows;
pub mod run;
