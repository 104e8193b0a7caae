//! Policies as an aligned text table.

use std::fmt::{self, Write};

use super::rows::{HEADINGS, Row, rows};
use crate::policy::{service::ServicePolicy, table::PolicyTable};

impl fmt::Display for ServicePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text([self], f)
    }
}

impl fmt::Display for PolicyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text(self.services(), f)
    }
}

fn text<'a>(
    services: impl IntoIterator<Item = &'a ServicePolicy>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows(services).iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths = [0, 1, 2, 3, 4].map(|column| width(column).unwrap_or_default());
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            f.write_str("\n")?;
        }
        let mut line_text = String::new();
        for (cell, width) in line.iter().zip(widths) {
            write!(line_text, "{cell:width$}  ")?;
        }
        f.write_str(line_text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::services, *};

    #[test]
    fn text_is_aligned() {
        let table: PolicyTable = services().into_iter().collect();
        let expected = "\
METHOD                   ACCESS         SCHEMES                                            REQUIRES                                                         REASON
shop.v1.Orders/List      authenticated  bearer                                             scopes(a, b)
shop.v1.Orders/Find      OPEN           optional(one_of(api-key, bearer via self.tokens))  authorize = Self::quota
shop.v1.Orders/Ping      OPEN                                                                                                                               a \"probe\" | liveness
shop.v1.Orders/Pay       BYPASSED       all_of(bearer, api-key)                            roles(Role::Admin, Role::Owner), authorize_request = Self::owns
grpc.health.v1.Health/*  OPEN                                                                                                                               probes";
        assert_eq!(table.to_string(), expected);
    }
}
