//! Policies as a Markdown table.

use super::rows::{HEADINGS, rows};
use crate::policy::{service::ServicePolicy, table::PolicyTable};

impl ServicePolicy {
    /// Renders the policy as a Markdown table.
    pub fn to_markdown(&self) -> String {
        markdown([self])
    }
}

impl PolicyTable {
    /// Renders the policies as a Markdown table.
    pub fn to_markdown(&self) -> String {
        markdown(self.services())
    }
}

fn markdown<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> String {
    let line = |cells: [String; 5]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        format!("| {} |\n", cells.join(" | "))
    };
    let mut table = line(HEADINGS.map(str::to_lowercase));
    table.push_str("| --- | --- | --- | --- | --- |\n");
    for row in rows(services) {
        table.push_str(&line(row.cells()));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::services, *};

    #[test]
    fn markdown_escapes_the_bar() {
        let table = markdown(&services());
        assert!(table.starts_with("| method | access | schemes | requires | reason |\n| --- |"));
        assert!(
            table.contains("| shop.v1.Orders/Ping | OPEN |  |  | a \"probe\" \\| liveness |"),
            "{table}"
        );
    }
}
