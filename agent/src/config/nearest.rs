//! The nearest known name to a mistyped one.

/// The candidate with the smallest edit distance to `name`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_ascii_lowercase();
    let near = 2 + name.len() / 8;
    // The distance is never below the difference in length. Without this look a file of very long names takes seconds.
    let possible = candidates.filter(|candidate| candidate.len().abs_diff(name.len()) <= near);
    let scored = possible.map(|c| (distance(&wanted, &c.to_ascii_lowercase()), c));
    scored.min().filter(|(distance, _)| *distance <= near).map(|(_, candidate)| candidate)
}

/// Levenshtein's distance over bytes; names of settings are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.bytes().enumerate() {
            let change = previous[j] + usize::from(x != y);
            row.push(change.min(previous[j + 1] + 1).min(row[j] + 1));
        }
        previous = row;
    }
    previous[b.len()]
}
