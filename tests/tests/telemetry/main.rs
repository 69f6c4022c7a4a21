//! What an engine measures: the numbers, their text for Prometheus, its spans, and the files for Grafana and alerts.

mod workflows;
mod counts;
mod backlog;
mod exposition;
mod spans;
mod monitoring;
mod otlp;
