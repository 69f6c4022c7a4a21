//! A place for large payloads outside of the store: files.

mod files;
mod path;

pub use files::FileBlobStore;
