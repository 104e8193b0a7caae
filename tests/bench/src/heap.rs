//! The allocator, as a server that has run for a while has it.

use std::hint::black_box;

/// Until a program frees a large block for the first time, glibc gives the heap's end back to the system
/// whenever 128 KiB of it are free: then it is paid for in page faults who frees what last.
pub fn keep_the_heap() {
    drop(black_box(vec![0_u8; 16 << 20]));
}
