//! Event streams of the HTML standard, split into chunks at every byte.

use super::{Decoder, ServerEvent};

fn event(event: &str, data: &str) -> ServerEvent {
    ServerEvent { event: event.to_owned(), data: data.to_owned() }
}

/// Decodes a stream that arrives in two chunks.
fn decode(stream: &[u8], cut: usize) -> Vec<ServerEvent> {
    let mut decoder = Decoder::default();
    decoder.push(&stream[..cut]).unwrap();
    decoder.push(&stream[cut..]).unwrap();
    std::iter::from_fn(|| decoder.next()).collect()
}

#[track_caller]
fn decodes_to(stream: &str, expected: &[ServerEvent]) {
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
    decodes_to("data: a\n\ndata: b\n\n", &[event("", "a"), event("", "b")]);
}

#[test]
fn lines_end_with_any_of_the_three_endings() {
    decodes_to("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &[event("", "a"), event("", "b"), event("", "c")]);
}

#[test]
fn lines_of_data_are_joined() {
    for ending in ["\n", "\r", "\r\n"] {
        decodes_to(&"data: a\ndata:\ndata:  b\n\n".replace('\n', ending), &[event("", "a\n\n b")]);
    }
}

#[test]
fn event_types_are_decoded_and_comments_and_other_fields_are_not() {
    decodes_to(
        "\u{feff}: keeps it open\nid: 7\nretry: 10\nevent: ping\ndata: {}\n\n:\n\ndata\n\n",
        &[event("ping", "{}"), event("", "")],
    );
}

#[test]
fn an_event_type_without_data_is_discarded() {
    decodes_to("event: ping\n\ndata: a\n\n", &[event("", "a")]);
}

#[test]
fn a_character_may_be_split_between_chunks() {
    decodes_to("data: żółć 🦀\n\n", &[event("", "żółć 🦀")]);
}

#[test]
fn an_event_cut_by_the_end_of_the_stream_is_discarded() {
    decodes_to("data: a\n\ndata: b\n", &[event("", "a")]);
}
