use tonic_guard::Authenticate;

#[derive(Authenticate)]
struct Service;

fn main() {}
