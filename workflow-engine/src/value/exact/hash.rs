//! A fast hash for comparing two values of one process: no keys, no protection against collisions made on purpose.

/// Mixes two words: a multiplication to 128 bits, folded.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x2D35_8DCC_AA6C_78A5) * u128::from(b ^ 0x8BB8_4B93_962E_ACC9);
    #[allow(clippy::cast_possible_truncation, reason = "the two halves are what is folded")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded
}

/// The hash of bytes, eight at a time.
pub(super) fn bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = bytes.len() as u64;
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(state, u64::from_le_bytes(last))
}
