use tonic_guard::authenticated;

#[authenticated(scheme = "bearer")]
mod service {}

fn main() {}
