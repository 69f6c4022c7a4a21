//! Event streams as the HTML standard has them, cut into pieces at every byte.

use super::{Decoder, ServerEvent};

fn event(event: &str, data: &str) -> ServerEvent {
    ServerEvent { event: event.to_owned(), data: data.to_owned() }
}

/// All events of `stream`, which comes in two pieces.
fn decode(stream: &[u8], cut: usize) -> Vec<ServerEvent> {
    let mut decoder = Decoder::default();
    decoder.push(&stream[..cut]).unwrap();
    decoder.push(&stream[cut..]).unwrap();
    std::iter::from_fn(|| decoder.next()).collect()
}

#[track_caller]
fn gives(stream: &str, expected: &[ServerEvent]) {
    for cut in 0..=stream.len() {
        assert_eq!(decode(stream.as_bytes(), cut), expected, "cut at {cut}");
    }
    let mut decoder = Decoder::default();
    for byte in stream.bytes() {
        decoder.push(&[byte]).unwrap();
    }
    assert_eq!(std::iter::from_fn(|| decoder.next()).collect::<Vec<_>>(), expected, "byte by byte");
}

#[test]
fn an_event_ends_at_an_empty_line() {
    gives("data: a\n\ndata: b\n\n", &[event("", "a"), event("", "b")]);
}

#[test]
fn lines_end_with_any_of_the_three_endings() {
    gives("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[event("", "a"), event("", "b"), event("", "c")]);
}

#[test]
fn lines_of_data_are_joined() {
    for ending in ["\n", "\r", "\r\n"] {
        gives(&"data: a\ndata:\ndata:  b\n\n".replace('\n', ending), &[event("", "a\n\n b")]);
    }
}

#[test]
fn kinds_are_read_and_comments_and_other_fields_are_not() {
    gives(
        "\u{feff}: keeps it open\nid: 7\nretry: 10\nevent: ping\ndata: {}\n\n:\n\ndata\n\n",
        &[event("ping", "{}"), event("", "")],
    );
}

#[test]
fn a_kind_without_data_is_no_event_and_is_forgotten() {
    gives("event: ping\n\ndata: a\n\n", &[event("", "a")]);
}

#[test]
fn characters_may_be_cut_in_the_middle() {
    gives("data: żółć 🦀\n\n", &[event("", "żółć 🦀")]);
}

#[test]
fn what_the_end_of_the_stream_cuts_is_no_event() {
    gives("data: a\n\ndata: b\n", &[event("", "a")]);
}
