//! Installs the packages of other languages below the target directory.

pub mod install;
