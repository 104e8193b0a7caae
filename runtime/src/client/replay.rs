//! A request body that can be sent a second time.
//!
//! The recorder keeps clones of the `Bytes` that were sent, which share their memory: nothing is copied. The
//! body of every unary call is a single frame that is available before the call starts. It is taken out of
//! the body, and only the frame is passed on.

mod recorder;
mod single_frame;
mod stream;

pub(super) use self::recorder::{Recorder, record};

#[cfg(test)]
mod tests;
