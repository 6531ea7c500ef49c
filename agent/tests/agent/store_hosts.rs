//! The store on hosts that do not help: full and read-only file systems, files that somebody removed or exchanged, older forms.

use crate::store::open_once_free;
use nix::mount::{MsFlags, mount, umount};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use tempfile::TempDir;
use wharf_agent::store::{Change, OpenError, Row, SaveError, Store};

#[tokio::test]
async fn a_store_whose_files_are_gone_is_not_an_empty_one() {
    for gone in [&["agent.db"][..], &["agent.db", "agent.db-wal"]] {
        let dir = killed_after(3).await;
        gone.iter().for_each(|name| fs::remove_file(dir.path().join(name)).expect("it exists"));
        refused(
            dir.path(),
            if gone.len() > 1 { "agent.db-mark tells of 3 saves" } else { "without its database" },
        );
        fs::write(dir.path().join("agent.db"), "").expect("it is written");
        refused(dir.path(), "it is an empty file");
    }
    let dir = killed_after(3).await;
    fs::remove_file(dir.path().join("agent.db-wal")).expect("it exists");
    refused(dir.path(), "the last 3 of 3 saves are missing");
}

#[tokio::test]
async fn the_database_of_another_agent_is_refused() {
    let (dir, other) = (folded_after(3).await, folded_after(5).await);
    fs::copy(other.path().join("agent.db"), dir.path().join("agent.db")).expect("it is copied");
    refused(dir.path(), "agent.db-mark is about another database");
}

#[tokio::test]
async fn a_backup_of_all_files_is_taken_and_one_of_the_database_alone_is_not() {
    let dir = folded_after(3).await;
    let backup = copy(dir.path());
    save(&open(dir.path()), "later").await.expect("it is saved");
    fs::remove_file(dir.path().join("agent.db-wal")).expect("it exists");
    for name in ["agent.db", "agent.db-mark"] {
        fs::copy(backup.path().join(name), dir.path().join(name)).expect("it is copied");
        match name {
            "agent.db" => refused(dir.path(), "the last 1 of 4 saves are missing"),
            _ => drop(open(dir.path())),
        }
    }
}

#[tokio::test]
async fn a_store_without_its_mark_is_taken_and_marked_anew() {
    let dir = folded_after(3).await;
    fs::remove_file(dir.path().join("agent.db-mark")).expect("it exists");
    drop(open(dir.path()));
    assert!(dir.path().join("agent.db-mark").exists());
}

#[tokio::test]
async fn a_store_of_the_first_form_keeps_its_rows() {
    let dir = directory();
    first_form(dir.path());
    let (store, loaded) = Store::open(dir.path()).expect("it opens");
    assert_eq!(loaded.rows, [row("a"), row("b")]);
    store.save([Change { value: None, ..put("a") }]).await.expect("it is saved");
    drop(store);
    let (_store, loaded) = open_once_free(dir.path()).expect("its tally is right");
    assert_eq!(loaded.rows, [row("b")]);
}

#[tokio::test]
async fn a_store_that_cannot_be_brought_to_the_present_form_for_want_of_space_is_whole_afterwards() {
    let disk = Disk::of(256);
    first_form(&disk.path);
    disk.fill();
    let error = Store::open(&disk.path).expect_err("there is no room");
    assert!(matches!(error, OpenError::Database { .. } | OpenError::Io { .. }), "{error:?}");
    assert_eq!(error.exit_code(), 1, "another start may help: {error}");
    disk.make_room();
    let (_store, loaded) = open_once_free(&disk.path).expect("there is room");
    assert_eq!(loaded.rows, [row("a"), row("b")]);
}

#[tokio::test]
async fn on_a_full_disk_saves_fail_until_there_is_room_and_nothing_acknowledged_is_lost() {
    let disk = Disk::of(512);
    let store = open(&disk.path);
    save(&store, "before").await.expect("it is saved");
    disk.fill();
    let mut saved = vec!["before".to_owned()];
    let error = loop {
        let key = format!("full-{}", saved.len());
        match save(&store, &key).await {
            Ok(()) => saved.push(key),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SaveError::Database { .. }), "{error:?}");
    // What a crash in this moment would find.
    let crashed = copy(&disk.path);
    assert_eq!(keys(crashed.path()), sorted(&saved));
    disk.make_room();
    save(&store, "room").await.expect("there is room");
    drop(store);
    saved.push("room".to_owned());
    assert_eq!(keys(&disk.path), sorted(&saved));
}

#[tokio::test]
async fn on_a_full_disk_the_reserve_lets_tasks_end_and_the_agent_start_again() {
    let disk = Disk::of(8 << 10);
    let store = open(&disk.path);
    save(&store, "task").await.expect("it is saved");
    disk.fill();
    for _ in 0..300 {
        save(&store, "task").await.expect("a change of what is there needs no room");
    }
    drop(store);
    disk.fill_again();
    let store = open(&disk.path);
    save(&store, "task").await.expect("there is room for it again");
}

#[tokio::test]
async fn a_killed_agent_starts_again_on_a_disk_without_a_free_page() {
    let disk = Disk::of(8 << 10);
    for name in fs::read_dir(killed_after(3).await.path()).expect("it is there").flatten() {
        fs::copy(name.path(), disk.path.join(name.file_name())).expect("it is copied");
    }
    fs::write(disk.path.join("agent.lock"), "1\n").expect("it is written");
    disk.fill();
    assert_eq!(keys(&disk.path), ["0", "1", "2"]);
}

#[tokio::test]
async fn the_database_is_kept_from_others_as_long_as_the_store_is_open() {
    let dir = directory();
    let locked = || {
        let inode = fs::metadata(dir.path().join("agent.db")).expect("it exists").ino();
        let locks = fs::read_to_string("/proc/locks").expect("the kernel tells");
        locks.lines().any(|lock| {
            lock.contains("POSIX") && lock.contains("WRITE") && lock.contains(&format!(":{inode} "))
        })
    };
    let store = open(dir.path());
    assert!(locked());
    // So many that the room in reserve is looked at.
    for _ in 0..300 {
        save(&store, "task").await.expect("it is saved");
    }
    assert!(locked());
    drop(store);
    assert!(!locked());
}

#[test]
fn a_read_only_directory_is_refused_and_another_start_may_help() {
    let disk = Disk::of(256);
    drop(open(&disk.path));
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount::<str, _, str, str>(None, &disk.path, None, read_only, None).expect("it is remounted");
    let error = Store::open(&disk.path).expect_err("nothing can be written");
    assert_eq!(error.exit_code(), 1, "{error}");
    assert!(error.to_string().starts_with("cannot lock "), "{error}");
}

/// A file system of so many KiB; its mount is the test process's own.
struct Disk {
    dir: TempDir,
    path: std::path::PathBuf,
}

impl Disk {
    fn of(kib: u32) -> Self {
        let dir = directory();
        let path = dir.path().join("disk");
        fs::create_dir(&path).expect("it is made");
        let options = format!("size={kib}k");
        mount(Some("tmpfs"), &path, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .expect("root may mount");
        Self { dir, path }
    }

    fn fill(&self) {
        let filled = fs::write(self.path.join("filler"), vec![1; 8 << 20]);
        assert_eq!(filled.expect_err("it is small").kind(), std::io::ErrorKind::StorageFull);
    }

    /// Fills what was let go since.
    fn fill_again(&self) {
        self.make_room();
        self.fill();
    }

    fn make_room(&self) {
        fs::remove_file(self.path.join("filler")).expect("it exists");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        umount(&self.path).unwrap_or_else(|error| panic!("{} stays: {error}", self.dir.path().display()));
    }
}

fn refused(dir: &Path, why: &str) {
    let error = open_once_free(dir).expect_err(why);
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert_eq!(error.exit_code(), 5, "another start cannot help");
    assert!(error.to_string().contains(why), "{error}");
}

/// The files as kill -9 leaves them after so many saves.
async fn killed_after(saves: usize) -> TempDir {
    let dir = directory();
    let store = open(dir.path());
    for n in 0..saves {
        save(&store, &n.to_string()).await.expect("it is saved");
    }
    copy(dir.path())
}

/// The same with the log folded into the database.
async fn folded_after(saves: usize) -> TempDir {
    let dir = killed_after(saves).await;
    drop(
        rusqlite::Connection::open(dir.path().join("agent.db"))
            .and_then(|c| c.execute_batch("SELECT * FROM row")),
    );
    assert!(!dir.path().join("agent.db-wal").exists());
    dir
}

/// The store as agents wrote it before there was a tally.
fn first_form(dir: &Path) {
    let connection = rusqlite::Connection::open(dir.join("agent.db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE row (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, sum BLOB NOT NULL,
                               PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
             INSERT INTO row VALUES ('tasks', 'a', X'76', X'468F56FF519C901C'), ('tasks', 'b', X'76', X'F03EF5FA6BF37137');
             PRAGMA application_id = 0x57485246; PRAGMA user_version = 1;",
        )
        .expect("it is made");
}

async fn save(store: &Store, key: &str) -> Result<(), SaveError> {
    store.save([put(key)]).await
}

fn put(key: &str) -> Change {
    Change { kind: "tasks".to_owned(), key: key.to_owned(), value: Some(b"v".to_vec()) }
}

fn row(key: &str) -> Row {
    Row { kind: "tasks".to_owned(), key: key.to_owned(), value: b"v".to_vec() }
}

fn keys(dir: &Path) -> Vec<String> {
    let (_store, loaded) = open_once_free(dir).expect("it opens");
    loaded.rows.into_iter().map(|row| row.key).collect()
}

fn sorted(keys: &[String]) -> Vec<String> {
    let mut keys = keys.to_vec();
    keys.sort();
    keys
}

fn copy(from: &Path) -> TempDir {
    let to = directory();
    for name in ["agent.db", "agent.db-wal", "agent.db-mark"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.path().join(name)).expect("it is copied");
        }
    }
    to
}

fn open(dir: &Path) -> Store {
    open_once_free(dir).expect("it opens").0
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}
