//! Rendering of policies.

#[cfg(test)]
mod fixture;
mod json;
mod markdown;
mod rows;
mod text;
