//! A reproducible random generator.

/// A small generator (xorshift64*, Vigna 2016). It prints its seed, which the test runner shows with a failure.
pub struct Random(u64);

impl Random {
    /// Makes a generator with the seed in the environment variable `variable`, or with one from the process id.
    #[must_use]
    pub fn seeded(variable: &str) -> Self {
        let seed = std::env::var(variable).ok().and_then(|seed| seed.parse().ok());
        let seed =
            seed.unwrap_or_else(|| u64::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        eprintln!("{variable}={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Returns a number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Returns an index into a list of this length, which must not be empty.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("the index is below the length")
    }

    /// Computes for up to about a millisecond, so that the next step can fall between two steps of other tasks.
    pub fn spin(&mut self) {
        for _ in 0..self.below(200_000) {
            std::hint::spin_loop();
        }
    }
}
