//! The clocks of the measurements.
//!
//! A busy machine stretches the wall time, so the programs measure their processor time. `/proc`
//! reports it in ticks of some milliseconds, which is too coarse for a short turn; these clocks
//! have nanosecond resolution.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The processor time of this thread.
pub fn thread_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// The processor time of all threads of this process.
pub fn process_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// These clocks begin at zero and never go back.
fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
