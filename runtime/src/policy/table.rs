//! The policies of several services.

use super::service::ServicePolicy;

/// Who may call the methods of several services, as one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyTable {
    services: Vec<ServicePolicy>,
}

impl PolicyTable {
    /// Returns the policies of the services.
    pub fn services(&self) -> &[ServicePolicy] {
        &self.services
    }
}

impl FromIterator<ServicePolicy> for PolicyTable {
    fn from_iter<I: IntoIterator<Item = ServicePolicy>>(services: I) -> Self {
        PolicyTable { services: services.into_iter().collect() }
    }
}

impl Extend<ServicePolicy> for PolicyTable {
    fn extend<I: IntoIterator<Item = ServicePolicy>>(&mut self, services: I) {
        self.services.extend(services);
    }
}
