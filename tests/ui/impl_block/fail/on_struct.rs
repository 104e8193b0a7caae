use tonic_guard::authenticated;

#[authenticated(scheme = "bearer")]
struct Service;

fn main() {}
