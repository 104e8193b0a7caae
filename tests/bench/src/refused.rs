//! The cost of a rejected call, by the size of its message.

use std::error::Error;

use crate::{
    table::{grouped, print, row},
    valgrind::Calls,
    variant::Variant,
};

const SIZES: [(&str, usize); 4] =
    [("100 B", 100), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20), ("3.9 MiB", 39 * (1 << 20) / 10)];

/// Instructions and bytes allocated by rejecting a wrong token.
pub fn table() -> Result<(), Box<dyn Error>> {
    let mut rows = vec![row(std::iter::once("refused".to_owned()).chain(
        SIZES.iter().flat_map(|(name, _)| [format!("{name}: instructions"), "bytes".to_owned()]),
    ))];
    let of = |word: &str, size: usize| -> Result<(u64, u64), Box<dyn Error>> {
        let calls = Calls { word, size, good: false };
        Ok((calls.instructions()?, calls.allocated()?.0))
    };
    let request = of("request", 100)?;
    for variant in Variant::ALL.into_iter().filter(|variant| *variant != Variant::Open) {
        let mut cells = vec![variant.name().to_owned()];
        for (_, size) in SIZES {
            let (instructions, bytes) = of(variant.word(), size)?;
            cells.push(grouped(instructions.saturating_sub(request.0)));
            cells.push(grouped(bytes.saturating_sub(request.1)));
        }
        rows.push(cells);
    }
    print("A rejected call in process, by the size of its message", &rows);
    println!(
        "\nWithout making the request. tonic-guard's two and by hand send ErrorInfo and a challenge."
    );
    Ok(())
}
