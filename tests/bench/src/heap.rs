//! Puts the allocator into the state of a server that has run for a while.

use std::hint::black_box;

/// Until a program first frees a large block, glibc returns the end of the heap to the system
/// whenever 128 KiB of it are free, and the code that frees last pays for the page faults.
pub fn keep_the_heap() {
    drop(black_box(vec![0_u8; 16 << 20]));
}
