//! Topics: segments, joined by dots.

/// A topic with more segments at its end.
pub(super) fn join(topic: &str, segments: &[&str]) -> String {
    let mut joined = topic.to_owned();
    for segment in segments {
        joined.push('.');
        joined.push_str(&of(segment));
    }
    joined
}

/// One segment. A dot in it would make two.
pub(super) fn of(segment: &str) -> String {
    if segment.is_empty() {
        return "_".to_owned();
    }
    segment.chars().map(|c| if c == '.' || c.is_control() { '_' } else { c }).collect()
}
