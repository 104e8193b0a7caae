//! The manual: a page for each thing that a service sets up.
//!
//! Pages hold no items. Each has programs that are compiled with the documentation.
