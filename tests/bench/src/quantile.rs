//! Summaries of many measurements.

/// The middle of `values`.
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which the share `part` of `values` lies.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len().max(1) - 1) as f64 * part).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// The lower quartile, the median and the upper quartile of the ratios of `rates` to `base`, pair
/// by pair.
pub fn quartiles_of_ratios(rates: &[f64], base: &[f64]) -> [f64; 3] {
    let mut ratios: Vec<f64> = rates.iter().zip(base).map(|(rate, base)| rate / base).collect();
    [0.25, 0.5, 0.75].map(|part| quantile(&mut ratios, part))
}
