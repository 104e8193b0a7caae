//! What runs programs that aren't Rust: installing their packages below the target directory, starting
//! them, and ending them with the test.

pub mod install;
pub mod process;
