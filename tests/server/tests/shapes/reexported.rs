//! The crate under another path. Generated code names no other path: the tests of the macros check
//! that.

use tonic_guard_suite_support::{Tokens, User};

use crate::{assert_guarded, pb::Text};

mod framework {
    pub(crate) mod rpc {
        pub(crate) use tonic::{Request, Response, Status, async_trait};
        pub(crate) use tonic_guard as guard;
    }
    pub(crate) use crate::pb::shape_server::Shape;
}

use framework::rpc;

#[derive(rpc::guard::Authenticate)]
#[verifies(crate = crate::reexported::framework::rpc::guard)]
struct Service(#[verifies("bearer")] Tokens);

impl Service {
    async fn known(
        &self,
        _: &User,
        _: &rpc::guard::CallHead<'_>,
    ) -> Result<(), rpc::guard::AuthError> {
        Ok(())
    }
}

#[rpc::guard::authenticated(scheme = "bearer", authorize = Self::known, crate = framework::rpc::guard)]
#[rpc::async_trait]
impl framework::Shape for Service {
    async fn call(
        &self,
        _: rpc::Request<Text>,
        #[identity] caller: User,
    ) -> Result<rpc::Response<Text>, rpc::Status> {
        assert_eq!(caller.name, "ada");
        Ok(crate::ran())
    }
}

#[tokio::test]
async fn unauthenticated_calls_are_rejected() {
    assert_guarded(|| Service(Tokens)).await;
}
