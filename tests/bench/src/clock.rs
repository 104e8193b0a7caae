//! By which clock the programs measure.
//!
//! A busy machine stretches the time on the wall. What counts is how long the program itself was on a
//! processor. `/proc` tells it in ticks of some milliseconds, which is too coarse for a short turn; these clocks
//! tell it to the nanosecond.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long this thread has run.
pub fn thread_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// How long all threads of this process have run.
pub fn process_time() -> Duration {
    duration(clock_gettime(ClockId::ProcessCPUTime))
}

/// Such a clock begins at zero and never goes back.
fn duration(time: Timespec) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}
