//! Pages of a list: at most a hundred items, and a token that says where the next page begins.

use crate::model::error::EcsError;

const LARGEST: i64 = 100;

/// The page that `token` asks for, and the token of the next one.
///
/// A token names the last item it came with and its position: when that item is gone meanwhile, the position still serves.
pub fn page(
    items: Vec<String>,
    size: Option<i64>,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), EcsError> {
    let size = size.unwrap_or(LARGEST);
    if !(1..=LARGEST).contains(&size) {
        return Err(EcsError::invalid(format!("maxResults must be between 1 and {LARGEST}.")));
    }
    let size = usize::try_from(size).unwrap_or(1);
    let start = match token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => {
            let (position, last) = read(token).ok_or_else(|| EcsError::invalid("Invalid token."))?;
            items.iter().position(|item| *item == last).map_or(position, |found| found + 1)
        }
    };
    let end = items.len().min(start.saturating_add(size));
    let page = items.get(start..end).unwrap_or_default().to_vec();
    let more = end < items.len();
    let next = page.last().filter(|_| more).map(|last| hex::encode(format!("{end} {last}")));
    Ok((page, next))
}

fn read(token: &str) -> Option<(usize, String)> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    let (position, last) = text.split_once(' ')?;
    Some((position.parse().ok()?, last.to_owned()))
}
