//! The language as the kernel meets it: definitions and entries, called by hand.

mod document;
