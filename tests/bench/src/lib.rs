//! Shared parts of the measuring programs.

pub mod clock;
pub mod heap;
pub mod quantile;
pub mod results;
