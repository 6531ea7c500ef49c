//! The product waits for nothing that has no name: each `.await` and each arm of a `select!` is a wait of `wharf_wait`, calls a function
//! of ours, which is held to the same, or stands in the list below with what bounds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use wharf_tests::sources;

/// Where the product's code is; `wharf_wait` itself is what the others wait with.
const ROOMS: &[&str] =
    &["agent/src", "agent/core/src", "agent/link/src", "agent/runtime/src", "cni/src", "control-plane/src"];
/// Methods of `Wait` and its tickers.
const WAITS: &[&str] = &["of", "on", "pause", "pause_until", "tick", "due"];
/// Everything else that is waited for, and why that ends. A variable is a future that was made, with its wait, some lines above.
const OTHERS: &[(&str, &str)] = &[
    ("cancelled", "it only shortens the wait that it stands beside"),
    ("run_until_cancelled", "what it runs is held to the same"),
    ("pending", "an arm of a `select!` that is never to be taken"),
    ("as_mut", "a connection that was made some lines above: each has deadlines of its own"),
    ("connection", "the same, which is given its time to end"),
    ("work", "a future that the caller made with its own deadline"),
    ("wake", "the owner's pause until its next deadline"),
    ("auth", "of the registry's client: within the deadline of the pull"),
    ("pull_manifest_raw", "the same"),
    ("pull_blob_stream", "the same"),
    ("pull_blob_stream_partial", "the same"),
    ("try_for_each_concurrent", "layers of a pull, each with the deadline of the pull"),
    ("try_collect", "answers to calls of containerd, each with its deadline"),
    ("chunk", "the client ends a response that takes too long as a whole"),
    ("from_raw_socket", "waits for nothing: the handshake is over"),
    ("read_to_end", "a part of a local file"),
    ("read_to_string", "a local file"),
    ("seek", "a local file"),
    ("wait_with_output", "an address plugin, within the deadline of the call"),
    ("recv", "of the control plane: an agent's frame beside a deadline, and signals of the process"),
    ("served", "the control plane's listener, which ends when it is told to stop"),
    ("farewell", "a wait that was made some lines above"),
    ("joined", "the same"),
    ("visited", "the same"),
];

#[test]
fn whatever_the_product_waits_for_has_a_name_and_an_end() {
    let files: Vec<_> = ROOMS.iter().flat_map(|room| sources::below(room).unwrap()).collect();
    let files: Vec<_> = files.iter().map(|(file, text)| (file, product(text))).collect();
    let ours: BTreeSet<&str> = files.iter().flat_map(|(_, text)| functions(text)).collect();
    let mut met: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    for (file, text) in &files {
        for waited in awaits(text).chain(arms(text)) {
            if !WAITS.contains(&waited) && !ours.contains(waited) {
                met.entry(waited).or_default().push(file);
            }
        }
    }
    let allowed: BTreeSet<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
    let new: Vec<_> = met.iter().filter(|(name, _)| !allowed.contains(*name)).collect();
    assert!(new.is_empty(), "give these a wait with a name, or say here what bounds them: {new:#?}");
    let gone: Vec<_> = allowed.iter().filter(|name| !met.contains_key(*name)).collect();
    assert!(gone.is_empty(), "nobody waits for these any more: {gone:?}");
}

/// A source without the tests at its end.
fn product(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// Names of functions. One of ours may hide another's of the same name; what is banned by name, `clippy.toml` has.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        Some(name).filter(|name| !name.is_empty())
    })
}

/// What stands before each `.await`.
fn awaits(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(".await").filter_map(|(at, _)| called(&text[..at]))
}

/// What stands in each arm of a `select!`.
fn arms(text: &str) -> impl Iterator<Item = &str> {
    text.split("select! {").skip(1).flat_map(|rest| {
        let block = &rest[..closing(rest)];
        block.lines().filter_map(|line| called(line.split_once(" = ")?.1.split_once(" =>")?.0))
    })
}

/// Where a block ends that has been opened.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let ends = |c: char| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    };
    text.find(ends).unwrap_or(text.len())
}

/// The last function that is called in an expression, or the variable that it is.
fn called(expression: &str) -> Option<&str> {
    let mut end = expression.trim_end();
    if end.ends_with(')') {
        let mut depth = 0;
        let opens = end.rfind(|c: char| {
            depth += match c {
                ')' => 1,
                '(' => -1,
                _ => 0,
            };
            c == '(' && depth == 0
        });
        end = &end[..opens?];
        if let Some(generics) = end.strip_suffix('>').and_then(|end| end.rfind("::<")) {
            end = &end[..generics];
        }
    }
    let start = end.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    Some(&end[start..]).filter(|name| !name.is_empty())
}
