//! Tests of the cache, with a scripted source and a paused clock.

mod random_events;
mod refresh;
mod rejections;
mod runtimes;
mod support;
