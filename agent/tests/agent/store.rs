//! The store: what was saved is there after any end, and a damaged file is never taken for an empty one.

use std::fs;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wharf_agent::store::{Change, Fact, Loaded, LockError, OpenError, Row, SaveError, Store, peek};

#[tokio::test]
async fn what_was_saved_is_there_after_reopening() {
    let dir = directory();
    let (store, loaded) = open(&dir);
    assert_eq!(loaded, Loaded::default());
    store
        .save([put("task", "b", "1"), put("task", "a", "2"), put("node", "", "3")])
        .await
        .expect("it is saved");
    store
        .save([put("task", "b", "4"), remove("task", "a"), remove("task", "never")])
        .await
        .expect("it is saved");
    drop(store);
    let (_store, loaded) = open(&dir);
    assert_eq!(loaded.rows, [row("node", "", "3"), row("task", "b", "4")]);
}

#[tokio::test]
async fn facts_are_remembered_and_forgotten() {
    let dir = directory();
    let (store, _) = open(&dir);
    store.save([Fact::Cluster.is("c1"), Fact::AvailabilityZone.is("x")]).await.expect("it is saved");
    store.save([Fact::AvailabilityZone.forgotten()]).await.expect("it is saved");
    drop(store);
    let (_store, loaded) = open(&dir);
    assert_eq!(loaded.facts.into_iter().collect::<Vec<_>>(), [(Fact::Cluster, "c1".to_owned())]);
    assert!(loaded.rows.is_empty());
}

#[tokio::test]
async fn saves_at_the_same_time_are_all_saved() {
    let dir = directory();
    let (store, _) = open(&dir);
    let store = std::sync::Arc::new(store);
    let saves: Vec<_> = (0..500)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.save([put("task", &format!("{n:03}"), "x")]).await })
        })
        .collect();
    for save in saves {
        save.await.expect("no panic").expect("it is saved");
    }
    drop(store);
    assert_eq!(open(&dir).1.rows.len(), 500);
}

#[test]
fn only_root_can_read_the_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("a/b");
    let (_store, _) = Store::open(&data).expect("it opens");
    let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["agent.db", "agent.db-wal", "agent.lock"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_second_agent_is_refused_with_the_pid_of_the_first() {
    let dir = directory();
    let (first, _) = open(&dir);
    let error = Store::open(dir.path()).expect_err("one agent per directory");
    assert!(matches!(error, OpenError::Lock(LockError::Held { .. })), "{error}");
    let expected = format!(
        "another agent (pid {}) holds {}/agent.lock: stop it, or give this agent another ECS_DATADIR",
        std::process::id(),
        dir.path().display()
    );
    assert_eq!(error.to_string(), expected);
    drop(first);
    open(&dir);
}

#[tokio::test]
async fn a_running_agents_store_can_be_read_without_its_lock() {
    let dir = directory();
    assert_eq!(peek(dir.path()).expect("nothing is no error"), None);
    let (store, _) = open(&dir);
    store.save([put("task", "a", "1")]).await.expect("it is saved");
    let seen = || peek(dir.path()).expect("it can be read").expect("there is one").rows;
    assert_eq!(seen(), [row("task", "a", "1")]);
    drop(store);
    assert_eq!(seen(), [row("task", "a", "1")], "and without an agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_while_an_agent_saves_sees_one_moment() {
    let dir = directory();
    let (store, _) = open(&dir);
    // Long enough that the log is folded into the database several times.
    let saving = tokio::spawn(async move {
        for n in 0..400 {
            let value = format!("{n:4096}");
            store.save([put("task", "a", &value), put("task", "b", &value)]).await.expect("it is saved");
        }
    });
    let mut seen = Vec::new();
    while !saving.is_finished() {
        let rows = peek(dir.path()).expect("it can be read").expect("there is one").rows;
        assert_eq!(rows.first().map(|row| &row.value), rows.last().map(|row| &row.value), "saved together");
        seen.push(rows.first().map(|row| String::from_utf8_lossy(&row.value).trim().parse::<u32>()));
    }
    saving.await.expect("no panic");
    assert!(seen.is_sorted_by_key(|n| n.clone().map(Result::ok)), "{seen:?}");
    seen.dedup();
    assert!(seen.len() > 5, "looks between saves: {seen:?}");
}

#[test]
fn what_was_acknowledged_survives_kill_minus_nine() {
    for enough in [1, 7, 60] {
        let dir = directory();
        let mut child = Command::new(std::env::current_exe().expect("the test binary"))
            .args(["--exact", "store::writer_until_killed", "--ignored", "--nocapture"])
            .env("WHARF_TEST_STORE", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the writer starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut saved = lines.filter_map(|line| line.ok()?.strip_prefix("saved ")?.parse::<usize>().ok());
        let seen = saved.by_ref().take(enough).last().expect("it saves");
        child.kill().expect("SIGKILL");
        let acknowledged = saved.last().unwrap_or(seen);
        child.wait().expect("it is reaped");
        let rows = open(&dir).1.rows;
        assert!(rows.len() > acknowledged, "{} of {acknowledged} are left", rows.len());
        let expected = (0..rows.len()).map(|n| row("task", &format!("{n:06}"), &"x".repeat(n % 3000)));
        assert!(rows.iter().cloned().eq(expected), "no row is torn, no row is missing");
    }
}

/// The child of the test above.
#[tokio::test]
#[ignore = "runs only as a child, until it is killed"]
async fn writer_until_killed() {
    let dir = std::env::var_os("WHARF_TEST_STORE").expect("the parent sets it");
    let (store, _) = Store::open(Path::new(&dir)).expect("it opens");
    for n in 0_usize.. {
        store.save([put("task", &format!("{n:06}"), &"x".repeat(n % 3000))]).await.expect("it is saved");
        println!("saved {n}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_with_what_to_do() {
    let whole = filled().await;
    let database = fs::read(whole.path().join("agent.db")).expect("it exists");
    let damages: [(&str, Damage); 7] = [
        ("emptied", Box::new(Vec::clear)),
        ("cut in the middle", Box::new(|bytes| bytes.truncate(bytes.len() / 2 + 100))),
        ("another header", Box::new(|bytes| bytes[..16].fill(b'x'))),
        ("a page of zeroes", Box::new(|bytes| bytes[4096..8192].fill(0))),
        ("a wrong count of free pages", Box::new(|bytes| bytes[39] ^= 1)),
        ("one byte of a value", Box::new(|bytes| flip_every(bytes, b"MARK"))),
        (
            "somebody else's file",
            Box::new(|bytes| *bytes = b"not a database at all, but long enough".repeat(200)),
        ),
    ];
    for (what, damage) in damages {
        let dir = directory();
        let mut bytes = database.clone();
        damage(&mut bytes);
        fs::write(dir.path().join("agent.db"), &bytes).expect("it is written");
        let error = Store::open(dir.path()).expect_err(what);
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("agent.db is damaged (") && text.contains("Keep a copy"), "{text}");
        assert_eq!(
            fs::read(dir.path().join("agent.db")).expect("it exists"),
            bytes,
            "{what}: nothing was changed"
        );
    }
}

#[tokio::test]
async fn a_log_without_its_database_is_refused() {
    let dir = filled().await;
    fs::remove_file(dir.path().join("agent.db")).expect("it exists");
    fs::write(dir.path().join("agent.db-wal"), "left").expect("it is written");
    let error = Store::open(dir.path()).expect_err("state was here");
    assert!(error.to_string().contains("a write-ahead log without its database"), "{error}");
}

#[tokio::test]
async fn a_torn_log_loses_at_most_what_was_not_acknowledged() {
    let dir = directory();
    let (store, _) = open(&dir);
    store.save([put("task", "a", "1")]).await.expect("it is saved");
    let log = dir.path().join("agent.db-wal");
    let acknowledged = fs::metadata(&log).expect("it exists").len();
    store.save([put("task", "b", "2")]).await.expect("it is saved");
    let copy = directory();
    for name in ["agent.db", "agent.db-wal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).expect("it is copied");
    }
    let mut torn =
        fs::OpenOptions::new().write(true).open(copy.path().join("agent.db-wal")).expect("it exists");
    torn.set_len(acknowledged + 700).expect("it is cut");
    torn.seek(SeekFrom::End(-100)).expect("it is longer");
    torn.write_all(&[0xff; 100]).expect("it is written");
    assert_eq!(open(&copy).1.rows, [row("task", "a", "1")]);
}

#[test]
fn a_creation_that_was_interrupted_starts_over() {
    let dir = directory();
    fs::write(dir.path().join("agent.db.new"), "half").expect("it is written");
    let (_store, loaded) = open(&dir);
    assert_eq!(loaded, Loaded::default());
    assert!(!dir.path().join("agent.db.new").exists());
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let dir = filled().await;
    let connection = rusqlite::Connection::open(dir.path().join("agent.db")).expect("it opens");
    connection.execute_batch("PRAGMA user_version = 99").expect("it is set");
    drop(connection);
    let error = Store::open(dir.path()).expect_err("it is too new");
    assert!(matches!(error, OpenError::TooNew { found: 99, known: 2, .. }), "{error:?}");
}

#[tokio::test]
async fn a_save_that_the_database_refuses_fails_for_all_and_saves_nothing() {
    let dir = directory();
    drop(open(&dir));
    rusqlite::Connection::open(dir.path().join("agent.db"))
        .expect("it opens")
        .execute_batch("CREATE TRIGGER no BEFORE INSERT ON row WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END")
        .expect("it is made");
    let (store, _) = open(&dir);
    let error =
        store.save([put("task", "good", "1"), put("task", "bad", "2")]).await.expect_err("it is refused");
    assert!(matches!(error, SaveError::Database { .. }), "{error:?}");
    store.save([put("task", "later", "3")]).await.expect("the store goes on");
    drop(store);
    assert_eq!(open(&dir).1.rows, [row("task", "later", "3")]);
}

type Damage = Box<dyn Fn(&mut Vec<u8>)>;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn open(dir: &TempDir) -> (Store, Loaded) {
    open_once_free(dir.path()).expect("it opens")
}

/// Opens a store that nobody holds any more. A child that another test starts shares the directory's lock until its program
/// runs, so the lock may outlive the store by a moment.
pub fn open_once_free(dir: &Path) -> Result<(Store, Loaded), OpenError> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match Store::open(dir) {
            Err(OpenError::Lock(LockError::Held { .. })) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

/// A closed store of several pages, in a directory that was never locked.
async fn filled() -> TempDir {
    let dir = directory();
    let (store, _) = open(&dir);
    store
        .save((0..20).map(|n| put("task", &format!("{n}"), &"MARK".repeat(n * 10))))
        .await
        .expect("it is saved");
    drop(store);
    // A reader that closes the files last folds the log into the database.
    drop(
        rusqlite::Connection::open(dir.path().join("agent.db"))
            .and_then(|c| c.execute_batch("SELECT * FROM row")),
    );
    assert!(!dir.path().join("agent.db-wal").exists());
    let copy = directory();
    for name in ["agent.db", "agent.db-mark"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).expect("it is copied");
    }
    copy
}

/// Changes a byte of every occurrence: SQLite leaves old copies of rows in unused space.
fn flip_every(bytes: &mut [u8], mark: &[u8]) {
    let at: Vec<usize> = (0..bytes.len() - mark.len()).filter(|at| bytes[*at..].starts_with(mark)).collect();
    assert!(!at.is_empty());
    at.into_iter().for_each(|at| bytes[at] ^= 1);
}

fn put(kind: &str, key: &str, value: &str) -> Change {
    Change { kind: kind.to_owned(), key: key.to_owned(), value: Some(value.as_bytes().to_vec()) }
}

fn remove(kind: &str, key: &str) -> Change {
    Change { kind: kind.to_owned(), key: key.to_owned(), value: None }
}

fn row(kind: &str, key: &str, value: &str) -> Row {
    Row { kind: kind.to_owned(), key: key.to_owned(), value: value.as_bytes().to_vec() }
}
