//! Storage for large payloads outside the store: files in a folder.

mod files;
mod path;

pub use files::FileBlobStore;
