//! What the programs that measure share.

pub mod clock;
pub mod heap;
pub mod quantile;
