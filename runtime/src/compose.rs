//! Verifiers made of verifiers.
